#!/usr/bin/env bash
# The README's commands, small, where a container would run them: the whole tree read-only, a user without a name and
# without a home, a terminal that knows ASCII alone. Needs unshare of util-linux, and root or user namespaces: no docker.
# Only a folder below /tmp can be written. Usage: tools/container.sh
set -euo pipefail

if [ "${1:-}" != inside ]; then
    here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
    place=$(mktemp -d)
    trap 'rm -rf "$place"' EXIT
    chmod 777 "$place"
    if [ "$(id -u)" = 0 ]; then alone=(unshare --mount); else alone=(unshare --mount --map-root-user); fi
    "${alone[@]}" bash "$here/tools/container.sh" inside "$here" "$place" "$(id -u)"
    exit
fi

here=$2 place=$3 user=$4
mount --make-rprivate /
for folder in / "$here"; do
    mount --bind "$folder" "$folder"
    mount -o remount,bind,ro "$folder"
done
mount --bind "$place" "$place"
mount -o remount,bind,rw "$place" 2>/dev/null || mount -t tmpfs -o mode=777 tmpfs "$place"
cd "$place"

# A user of the system, where we may become one: files that only their owner could write are then read-only, too.
as=()
nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups env)
if [ "$user" = 0 ] && "${nobody[@]}" "$here/.venv/bin/python" -c "" 2>/dev/null; then as=("${nobody[@]}"); fi
plain=(env -i PATH=/usr/bin:/bin HOME=/nonexistent LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0 PYTHONPATH="$here"
    TMPDIR="$place" "${as[@]}")
python=$here/.venv/bin/python
failed=0

# try WHAT COMMAND...: it ends with 0, and tells of no traceback
try() {
    local what=$1
    shift
    if "${plain[@]}" "$@" >out.txt 2>err.txt && ! grep -q Traceback err.txt; then
        echo "fine    $what"
    else
        echo "failed  $what"
        tail -n 5 err.txt
        failed=1
    fi
}

sd() { try "sd-env $*" "$python" -m agents.cli "$@"; }

if "${plain[@]}" touch "$here/README.md" 2>/dev/null; then
    echo "The tree can be written: this is no container." >&2
    exit 1
fi
few=(--seeds 1 --worlds 2 --workers 1)
sd evaluate tit-for-tat random --scenario jervis/intense "${few[@]}"
grep -q "NUMBA_CACHE_DIR may name a folder" err.txt || { echo "failed  nothing said that all is compiled"; failed=1; }
plain+=(env NUMBA_CACHE_DIR="$place/compiled")
sd evaluate tit-for-tat random --scenario jervis/intense "${few[@]}" --out evaluation
sd tournament dove hawk --scenario jervis/doubly-dangerous "${few[@]}" --out tournament
sd challenge tit-for-tat --only a-bluffer "${few[@]}"
sd check-policy tit-for-tat
sd strategies bayesian-realist
sd experiment --list
try "python train.py" "$python" "$here/train.py" --config "$here/configs/smoke.yaml" --seeds 1 --total_steps 512 \
    --runs runs --workers 1
sd evaluate "$(echo runs/*/jobs/doubly-safe__*/policy.sd)" --scenario jervis/doubly-safe "${few[@]}"
try "make an environment" "$python" -c '
import sd_env
env = sd_env.parallel_env("jervis/doubly-dangerous", overrides={"war.first_strike": 0.8}, render_mode="ansi")
observations, infos = env.reset(seed=0)
while env.agents:
    actions = {agent: env.action_space(agent).sample(infos[agent]["action_mask"]) for agent in env.agents}
    observations, rewards, terminations, truncations, infos = env.step(actions)
'
# Foreign locales, where the system can build them: the same numbers and weights, and files that are read as UTF-8.
weights() { cat "$1"/*/jobs/*/policy.sd/policy.safetensors; }
try "train in the locale C" "$python" "$here/train.py" --config "$here/configs/smoke.yaml" --seeds 1 \
    --total_steps 512 --runs "C.runs" --workers 1
for locale in de_DE.UTF-8 tr_TR.ISO-8859-9 ja_JP.EUC-JP; do
    localedef -c -i "${locale%%.*}" -f "${locale#*.}" "$place/$locale" >/dev/null 2>&1 || true
    if [ ! -d "$place/$locale" ]; then
        echo "left out $locale, which cannot be built here"
        continue
    fi
    before=("${plain[@]}")
    plain+=(env LOCPATH="$place" LC_ALL="$locale")
    try "the locale $locale" "$python" -c 'import locale; locale.setlocale(locale.LC_ALL, "")'
    sd evaluate tit-for-tat random --scenario jervis/intense "${few[@]}" --out "$locale.out"
    sd challenge tit-for-tat --only a-bluffer "${few[@]}"
    sd strategies bayesian-realist
    sd experiment --list
    try "train in the locale $locale" "$python" "$here/train.py" --config "$here/configs/smoke.yaml" --seeds 1 \
        --total_steps 512 --runs "$locale.runs" --workers 1
    for file in episodes.csv table.txt; do
        cmp "evaluation/$file" "$locale.out/$file" || { echo "failed  $file is another in $locale"; failed=1; }
    done
    cmp <(weights C.runs) <(weights "$locale.runs") || { echo "failed  the weights are others in $locale"; failed=1; }
    plain=("${before[@]}")
done
[ "$failed" = 0 ] && echo "All of it works in a read-only tree."
exit "$failed"
