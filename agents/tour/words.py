"""What the guided half hour says, step by step, in words for whoever has never heard of the security dilemma.

Numbers stand in braces: :mod:`agents.tour.steps` puts in what was counted, so that none is written down here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Words:
    """The words of a step.

    Attributes:
        title: of the step.
        text: paragraphs before the question.
        ask: the question.
        told: paragraphs after the answer.
        sources: on what the step rests.
    """

    title: str
    text: tuple[str, ...]
    ask: str
    told: tuple[str, ...]
    sources: tuple[str, ...]


_HERZ: Final = "Herz, J. H. (1950). Idealist Internationalism and the Security Dilemma. World Politics 2(2), 157-180."
_JERVIS: Final = "Jervis, R. (1978). Cooperation under the Security Dilemma. World Politics 30(2), 167-214."
_KYDD: Final = "Kydd, A. (2000). Trust, Reassurance, and Cooperation. International Organization 54(2), 325-357."
_GLASER: Final = "Glaser, C. L. (1997). The Security Dilemma Revisited. World Politics 50(1), 171-201."

#: In their order.
STEPS: Final = (
    Words(
        title="One neighbour, armed for safety",
        text=(
            "Two states, Northland and Southland, lie side by side. Nobody stands above them who could keep the "
            "peace: this is called anarchy. Each wants one thing only, to be safe. Neither wants the other's land.",
            "Each sees the other's weapons and arms in answer: the more the one has, the more the other builds. A "
            "weapon that protects can attack just as well, so nobody can tell what it is for.",
        ),
        ask=(
            "Both arm for safety alone, for {turns} turns, and nobody attacks. In how many of 100 such games is "
            "each of them less safe at the end than at the start (a surprise attack on it would succeed more "
            "easily)?"
        ),
        told=(
            "Each had {arms_before} arms at the start and {arms_after} at the end (means of {n} games). A surprise "
            "attack on either would at first have succeeded with probability {danger_before}, and at the end with "
            "{danger_after}: what the one added for its safety made the other less safe, who added in turn. Both "
            "paid, and neither gained.",
            "This is the security dilemma: what a state does to be safer makes others less safe, whatever it "
            "intends. Where neither arms, the arms of both wear out together, and the attack would at the end "
            "succeed with probability {danger_still} (the second bar).",
        ),
        sources=(
            _HERZ,
            _JERVIS,
            "Richardson, L. F. (1960). Arms and Insecurity. Boxwood Press: states that arm in answer to one "
            "another.",
        ),
    ),
    Words(
        title="Two who cannot tell",
        text=(
            "Now some states are greedy: they do want land. {greedy} of 100 are. Nobody's wish can be seen, so "
            "each trusts its neighbour with probability t = {t}. We look only at games in which, in truth, both "
            "want nothing but safety.",
            "Attack has the advantage here: who strikes first succeeds with probability {first}; against one that "
            "strikes as well it would be {both}. Each reckons coldly: if the other may strike, is it better to "
            "strike first? It strikes only if it trusts the other less than that makes wise.",
        ),
        ask=(
            "Both want only to be safe, and each thinks it likely ({t}) that the other does. In how many of 100 "
            "games is there war?"
        ),
        told=(
            "Theory has a number for it, the threshold of trust m. A state that wants only safety strikes first if "
            "it trusts the other less than m. Here m = {m} for a war of one turn, and trust is {t}, just below: "
            "each strikes for fear of being struck. With trust of {t_more}, above m, the same two live in peace "
            "(the second bar).",
            "Nobody was wicked and nobody made a mistake. A war that nobody wanted is called tragic. Look at the "
            "replay: the table of intention, signal and belief shows what each truly is, and what it is taken for.",
            "The states here reckon with a war of one turn. Who reckons with one of three turns, in which the one "
            "that was struck strikes back, needs trust of only {m3} (m~). And with fewer arms on both sides there "
            "is less to fear: m exceeds trust only from x* = {x} arms each on.",
        ),
        sources=(
            _JERVIS,
            _KYDD,
            "Fearon, J. D. (1995). Rationalist Explanations for War. International Organization 49(3), 379-414: "
            "private information and offensive advantages as causes of war between those who would both rather "
            "have peace.",
            "Butterfield, H. (1951). History and Human Relations. Collins: fear between two who both mean well.",
        ),
    ),
    Words(
        title="The four worlds",
        text=(
            "Robert Jervis asked two questions of a world. Does attack have the advantage, or defence? That is ω: "
            "above 1 a sword is worth more than a shield. And can weapons for attack be told from weapons for "
            "defence? That is q: 0 means not at all, 1 means at a glance. Two answers each make four worlds.",
            "The war of the step before was in the worst of them, which Jervis calls doubly dangerous: ω = {omega} "
            "and q = 0. War came in {war} of 100 games.",
        ),
        ask=(
            "Attack keeps its advantage, but now weapons can be told apart (q = 1): a shield is seen to be a "
            "shield. In how many of 100 games is there war?"
        ),
        told=(
            "A state that wants only safety can now show it: it builds shields, and its neighbour, who sees them, "
            "trusts it more than m. Move the two sliders and see all the worlds between. Each square has been "
            "played; its number is the wars in 100 games, and below the map is a game of it.",
            "Three lines are theory alone, drawn before anything was played. Left of m = 0 peace is best whatever "
            "one thinks of the other. Right of m = t fear strikes first, if nothing can be seen. And above q* what "
            "is seen makes trust large enough for peace: war is predicted right of m = t and below q*. Compare the "
            "squares with it. The lines are of like states with {arms} arms each, half of them swords, in a war of "
            "one turn; in the games arms are drawn, and change. And q* supposes that each has seen the other's "
            "weapons before it must choose.",
        ),
        sources=(
            "Jervis, R. (1978). Cooperation under the Security Dilemma. World Politics 30(2), 167-214. The four "
            "worlds: p. 211.",
            _GLASER,
        ),
    ),
    Words(
        title="Signals",
        text=(
            "If weapons cannot show what a state wants, perhaps words can. One of the two now says: I will not "
            "attack you. It means it. The other is as before, and reckons: is this to be believed?",
            "Trust is a little lower here, t = {t}, and m = {m}. Say first that such words cost nothing, even if "
            "they are broken: then there was war in {cheap} of 100 games.",
        ),
        ask=(
            "Now a state that breaks such a promise loses {cost}, as much as {cost} of a year's income of its "
            "whole land. In how many of 100 games is there war?"
        ),
        told=(
            "Words that a liar would say just as well prove nothing. A promise that is dear to break is made more "
            "readily by those who mean it, so whoever hears it may trust more: here enough to rise above m (see "
            "what each is taken for in the replay).",
            "Words have limits. With trust of {t_less} to begin with the same promise leaves war in {low} of 100 "
            "games: those who are feared most are believed least. And where a state only pretends (the last bar, a "
            "deceiver that promises, arms and then attacks) believing is a mistake.",
        ),
        sources=(
            _KYDD,
            "Fearon, J. D. (1997). Signaling Foreign Policy Interests: Tying Hands versus Sinking Costs. Journal "
            "of Conflict Resolution 41(1), 68-90.",
            "Jervis, R. (1970). The Logic of Images in International Relations. Princeton University Press.",
        ),
    ),
    Words(
        title="Alliances, and 1914",
        text=(
            "Six states, with the power and the armies of 1913. Austria-Hungary attacks Serbia, and we make it do "
            "so in every game, to see what becomes of it. The rest is up to the others.",
            "An ally makes a state safer, and ties it to the ally's wars. Who stands by an ally come what may is "
            "dragged along (a chain gang). Who leaves the burden to others may find that nobody takes it (passing "
            "the buck).",
        ),
        ask=(
            "All six tie their fate to their allies: whatever war an ally is in, they join. Of the six, how many "
            "attack somebody before the game ends?"
        ),
        told=(
            "{chain} of the six. Where everybody passes the buck it is {buck}: the war stays between two, and "
            "Serbia stands alone. Either way the alliance is no plain good: this is the security dilemma between "
            "friends.",
            "Why did it seem wise to be chained? In 1914 generals believed in the attack. The third and the fourth "
            "bar are of cold reckoners like those of step 2, who keep no promises at all: {offensive} fight if "
            "they believe attack to be worth {believed} times defence, and {defensive} if they believe what was "
            "true of the trenches, {truth}. Nothing differs but what they believe. Those who look further ahead "
            "have more to fear, and fight either way: {further} and {calmer} (the last two bars).",
            "The numbers of power and armies are data; beliefs, ties and distances are stylised, and this is a "
            "model, not what was bound to happen.",
        ),
        sources=(
            "Christensen, T. J. and Snyder, J. (1990). Chain Gangs and Passed Bucks: Predicting Alliance Patterns "
            "in Multipolarity. International Organization 44(2), 137-168.",
            "Snyder, G. H. (1984). The Security Dilemma in Alliance Politics. World Politics 36(4), 461-495.",
            "Van Evera, S. (1984). The Cult of the Offensive and the Origins of the First World War. International "
            "Security 9(1), 58-107.",
            "Singer, J. D. (1987). Reconstructing the Correlates of War Dataset on Material Capabilities of "
            "States. International Interactions 14(2), 115-132: the data.",
        ),
    ),
    Words(
        title="Escape",
        text=(
            "Back to the two of step 2, who both want only to be safe, and who fight in {war} of 100 games. What "
            "could be changed so that they need not? Here are some switches of the rules, each of which somebody "
            "has proposed as a way out. Everything else stays as it was.",
        ),
        ask=(
            "Each of these is changed by itself. Which one helps least?"
        ),
        told=(
            "Bars: wars in 100 games with one switch changed; beside each the threshold m and the trust t that it "
            "leaves. Where t has come above m there is peace: a switch helps if it lowers fear (m) or raises trust "
            "(t, at once or by what can be seen).",
            "{least} leaves most war, {least_war} in 100. What being attacked costs is lost whether one struck "
            "first or waited: it makes war dearer, and yet changes neither m nor t.",
            "So the dilemma is neither fate nor folly. It hangs on technology, on what can be seen, on what war "
            "costs, and on trust, and each can be worked on: arms control that bans swords rather than shields, "
            "inspections, lines that are easily held, promises that bind.",
        ),
        sources=(
            _JERVIS,
            "Glaser, C. L. (2010). Rational Theory of International Politics. Princeton University Press.",
            "Booth, K. and Wheeler, N. J. (2008). The Security Dilemma: Fear, Cooperation and Trust in World "
            "Politics. Palgrave Macmillan.",
        ),
    ),
)  # fmt: skip
