"""exp and log for a machine that has none: what glibc computes, to the bit, from nothing but + - * and bits.

WebAssembly has no transcendental functions, and browsers' own differ from one another in the last bit. These are those
of ARM's optimized routines, which glibc has had since 2.28, as it runs them on every processor with a fused
multiply-add: the order of its operations is that of ``__exp_fma`` and ``__log_fma`` in Debian 12's libm.so.6. What the
processor fuses, :func:`fma` computes from its parts (Boldo and Melquiond 2008, IEEE Transactions on Computers 57).

The algorithms, the polynomials and the table of ``_INVERSES``: Copyright (c) 2018-2025, Arm Limited; MIT OR Apache-2.0
WITH LLVM-exception. Permission is hereby granted, free of charge, to any person obtaining a copy of this software and
associated documentation files (the "Software"), to deal in the Software without restriction, including without
limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software,
and to permit persons to whom the Software is furnished to do so, subject to the following conditions: The above
copyright notice and this permission notice shall be included in all copies or substantial portions of the Software. THE
SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""

from __future__ import annotations

import struct
from decimal import Decimal, localcontext
from typing import Final

import numba
import numpy as np

_N: Final = 128
_SPLIT: Final = 134217729.0  # 2**27 + 1: Veltkamp's
_ONE, _SHIFT_45, _SHIFT_52 = np.uint64(1), np.uint64(45), np.uint64(52)
_LOW_7, _LOW_11 = np.uint64(127), np.uint64(0x7FF)
_TOP_12 = np.uint64(0xFFF << 52)

# exp: N / ln 2, -ln 2 / N in two parts, what rounds to a whole number when added, and the polynomial
_PER_LN2 = float.fromhex("0x1.71547652b82fep0") * _N
_LN2_HIGH, _LN2_LOW = float.fromhex("-0x1.62e42fefa0000p-8"), float.fromhex("-0x1.cf79abc9e3b3ap-47")
_ROUND = float.fromhex("0x1.8p52")
_C2, _C3 = float.fromhex("0x1.ffffffffffdbdp-2"), float.fromhex("0x1.555555555543cp-3")
_C4, _C5 = float.fromhex("0x1.55555cf172b91p-5"), float.fromhex("0x1.1111167a4d017p-7")

# log: ln 2 in two parts, the polynomial, and that near 1
_LN2_HI, _LN2_LO = float.fromhex("0x1.62e42fefa3800p-1"), float.fromhex("0x1.ef35793c76730p-45")
_A = np.array([float.fromhex(each) for each in (
    "-0x1.0000000000001p-1", "0x1.555555551305bp-2", "-0x1.fffffffeb459p-3", "0x1.999b324f10111p-3",
    "-0x1.55575e506c89fp-3",
)])  # fmt: skip
_B = np.array([float.fromhex(each) for each in (
    "-0x1p-1", "0x1.5555555555577p-2", "-0x1.ffffffffffdcbp-3", "0x1.999999995dd0cp-3", "-0x1.55555556745a7p-3",
    "0x1.24924a344de3p-3", "-0x1.fffffa4423d65p-4", "0x1.c7184282ad6cap-4", "-0x1.999eb43b068ffp-4",
    "0x1.78182f7afd085p-4", "-0x1.5521375d145cdp-4",
)])  # fmt: skip
_OFF = np.uint64(0x3FE6000000000000)
_NEAR_LOW, _NEAR_HIGH = 1.0 - float.fromhex("0x1p-4"), 1.0 + float.fromhex("0x1.09p-4")
#: 1 / c for a c in the middle of each of N parts of [0x1.6p-1, 0x1.6p0): binary digits after the point, in hexadecimal.
#: The first 80 are above 1, the others below.
_INVERSES: Final = """
    734f0c3e0de9f 713786a2ce91f 6f26008fab5a0 6d1a61f138c7d 6b1490bc5b4d1 69147332f0cba 6719f18224223 6524f99a51ed9
    63356aa8f24c4 614b36b9ddc14 5f66452c65c4c 5d867b5912c4f 5babccb5b90de 59d61f2d91a78 5805612465687 56397cee76bd3
    54725e2a77f93 52aff42064583 50f22dbb2bddf 4f38f4734ded7 4d843cfde2840 4bd3ec078a3c8 4a27fc3e0258a 4880524d48434
    46dce1b192d0b 453d9d3391854 43a2744b4845a 420b54115f8fb 40782da3ef4b1 3ee8f5d57fe8f 3d5d9a00b4ce9 3bd60c010c12b
    3a5242b75dab8 38d22cd9fd002 3755bc5847a1c 35dce49ad36e2 34679984dd440 32f5cceffcb24 3187775a10d49 301c8373e3990
    2eb4ebb95f841 2d50a0219a9d1 2bef9a8b7fd2a 2a91c7a0c1bab 293726014b530 27dfa5757a1f5 268b39b1d3bbf 2539d838ff5bd
    23eb7aac9083b 22a012ba940b6 2157996cc4132 201201dd2fc9b 1ecf4494d480b 1d8f5528f6569 1c52311577e7c 1b17c74cb26e9
    19e010c2c1ab6 18ab07bb670bd 1778a25efbcb6 1648d354c31da 151b990275fdd 13f0ea432d24c 12c8b7210f9da 11a3028ecb531
    107fbda8434af 0f5ee0f4e6bb3 0e4065d2a9fce 0d244632ca521 0c0a77ce2981a 0af2f83c636d1 09ddb98a01339 08cabaf52e7df
    07b9f2f4e28fb 06ab58c358f19 059eea5ecf92c 04949cdd12c90 038c6c6f0ada9 02865137932a9 0182427ea7348 008040614b195
    fe01ff726fa1a fa11cc261ea74 f6310b081992e f25f63ceeadcd ee9c8039113e7 eae8078cbb1ab e741aa29d0c9b e3a91830a99b5
    e01e009609a56 dca01e577bb98 d92f20b7c9103 d5cac66fb5cce d272caa5ede9d cf26e3e6b2ccd cbe6da2a77902 c8b266d37086d
    c5894bd5d5804 c26b533bb9f8c bf583eeece73f bc4fd75db96c1 b951e0c864a28 b65e2c5ef3e2c b374867c9888b b094b211d304a
    adbe885f2ef7e aaf1d31603da2 a82e63fd358a7 a5740ef09738b a2c2a90ab4b27 a01a01393f2d1 9d79f24db3c1b 9ae2505c7b190
    9852ef297ce2f 95cbaeea44b75 934c69de74838 90d4f2f6752e6 8e6528effd79d 8bfce9fcc007c 899c0dabec30e 87427aa2317fb
    84f00acb39a08 82a49e8653e55 8060195f40260 7e22563e0a329 7beb377dcb5ad 79baa679725c2 77907f2170657 756cadbd6130c
"""


def _bits(value: float) -> int:
    return int(struct.unpack("<Q", struct.pack("<d", value))[0])


def _powers() -> tuple[np.ndarray, np.ndarray]:
    """2^(k / N) as tail and head, uint64 (N,) of the head less k << 45, and float64 (N,) of the tail."""
    with localcontext(prec=60):
        exact = [(Decimal(2).ln() * k / _N).exp() for k in range(_N)]
        heads = [float(each) for each in exact]
        tails = [float(each / Decimal(head) - 1) for each, head in zip(exact, heads, strict=True)]
    return np.array([_bits(head) - (k << 45) for k, head in enumerate(heads)], np.uint64), np.array(tails)


def _logarithms() -> tuple[np.ndarray, np.ndarray]:
    """1 / c and log(c), float64 (N,) each."""
    digits = _INVERSES.split()
    inverses = [float.fromhex(f"0x1.{each}p{0 if k < 80 else -1}") for k, each in enumerate(digits)]
    with localcontext(prec=60):
        return np.array(inverses), np.array([float(-Decimal(each).ln()) for each in inverses])


_HEADS, _TAILS = _powers()
_INVERSE_C, _LOG_C = _logarithms()


@numba.njit
def _pattern(x):  # type: ignore[no-untyped-def]
    return np.float64(x).view(np.uint64)


@numba.njit
def _number(bits):  # type: ignore[no-untyped-def]
    return np.uint64(bits).view(np.float64)


@numba.njit
def _product(a, b):  # type: ignore[no-untyped-def]
    """a b as a float and what rounding took from it (Dekker 1971)."""
    high, t, u = a * b, _SPLIT * a, _SPLIT * b
    a1, b1 = t - (t - a), u - (u - b)
    a2, b2 = a - a1, b - b1
    return high, a2 * b2 - (((high - a1 * b1) - a2 * b1) - a1 * b2)


@numba.njit
def _sum(a, b):  # type: ignore[no-untyped-def]
    """a + b as a float and what rounding took from it (Knuth 1969)."""
    high = a + b
    part = high - a
    return high, (a - (high - part)) + (b - part)


@numba.njit
def _odd_sum(a, b):  # type: ignore[no-untyped-def]
    """a + b rounded to odd: if it is no float, that of its two neighbours whose last bit is 1."""
    high, rest = _sum(a, b)
    bits = _pattern(high)
    if rest != 0.0 and bits & _ONE == np.uint64(0):
        bits = bits + _ONE if (rest > 0.0) == (high > 0.0) else bits - _ONE
    return _number(bits)


@numba.njit
def fma(a, b, c):  # type: ignore[no-untyped-def]
    """a b + c, rounded once; for numbers whose product and its last bits neither overflow nor underflow."""
    high, low = _product(a, b)
    top, rest = _sum(c, low)
    top, middle = _sum(high, top)
    return top + _odd_sum(rest, middle)


@numba.njit
def exp(x):  # type: ignore[no-untyped-def]
    """e^x: float64 -> float64."""
    size = (_pattern(x) >> _SHIFT_52) & _LOW_11
    if size < np.uint64(1023 - 54):
        return 1.0 + x
    if size >= np.uint64(1023 + 10):  # 1024 and more, or no number
        return 0.0 if x < 0.0 else x + np.inf
    shifted = fma(_PER_LN2, x, _ROUND)
    bits = _pattern(shifted)
    k = shifted - _ROUND
    r = fma(k, _LN2_LOW, fma(k, _LN2_HIGH, x))
    row = int(bits & _LOW_7)
    scale = _HEADS[row] + (bits << _SHIFT_45)
    r2 = r * r
    rest = fma(r2 * r2, fma(r, _C5, _C4), fma(fma(r, _C3, _C2), r2, r + _TAILS[row]))
    if size >= np.uint64(1023 + 9):
        return _far(rest, scale, k)
    return fma(_number(scale), rest, _number(scale))


@numba.njit
def _far(rest, bits, k):  # type: ignore[no-untyped-def]
    """Where 2^(k / N) (1 + rest) may leave the range of floats: scaled there and back."""
    if k > 0.0:
        scale = _number(bits - np.uint64(1009 << 52))
        return _number(np.uint64((1023 + 1009) << 52)) * fma(scale, rest, scale)
    scale = _number(bits + np.uint64(1022 << 52))
    rest = scale * rest
    y = scale + rest
    if y < 1.0:  # rounded where the result's last bit will be
        low, high = (scale - y) + rest, 1.0 + y
        y = (((1.0 - high) + y) + low + high) - 1.0
    return y * _number(np.uint64(1 << 52))


@numba.njit
def log(x):  # type: ignore[no-untyped-def]
    """Natural logarithm: float64 -> float64; -inf at 0, NaN below."""
    if not 0.0 < x < np.inf:
        return x if x == np.inf else (-np.inf if x == 0.0 else np.nan)
    if _NEAR_LOW <= x < _NEAR_HIGH:
        return _log_near_one(x - 1.0)
    bits = _pattern(x)
    if bits < np.uint64(1 << 52):  # subnormal
        bits = _pattern(x * 4503599627370496.0) - np.uint64(52 << 52)
    over = bits - _OFF
    row = int((over >> _SHIFT_45) & _LOW_7)
    k = float(np.int64(over) >> 52)
    r = fma(_number(bits - (over & _TOP_12)), _INVERSE_C[row], -1.0)
    w = fma(k, _LN2_HI, _LOG_C[row])
    high = r + w
    low = fma(k, _LN2_LO, (w - high) + r)
    r2 = r * r
    return fma(r * r2, fma(fma(r, _A[4], _A[3]), r2, fma(r, _A[2], _A[1])), fma(r2, _A[0], low)) + high


@numba.njit
def _log_near_one(r):  # type: ignore[no-untyped-def]
    if r == 0.0:
        return 0.0
    r2 = r * r
    r3 = r * r2
    tail = fma(r3, _B[10], fma(r2, _B[9], fma(r, _B[8], _B[7])))
    tail = fma(tail, r3, fma(r2, _B[6], fma(r, _B[5], _B[4])))
    tail = fma(tail, r3, fma(r2, _B[3], fma(r, _B[2], _B[1])))
    top = fma(-134217728.0, r, fma(r, 134217728.0, r))  # the first half of its digits
    square = top * top
    high = fma(square, _B[0], r)
    low = fma(_B[0] * (r - top), r + top, fma(square, _B[0], r - high))
    return high + fma(tail, r3, low)
