"""The ledger for Korean readers: each claim, and its ruling in one sentence with what was measured.

A sentence is made from a `Ruling` alone, so that a report of yesterday can be told again; it belongs to the
claim *and* the outcome, so that it can never contradict what was ruled.
"""

from __future__ import annotations

import math
from dataclasses import replace

from verinit.textbook.korean_sentences import SENTENCES, Number
from verinit.vocabulary import Evidence, Outcome, Ruling, unknown

CLAIMS_KO: dict[str, str] = {
    "T01": "표준편차 1로 초기화하면 시그모이드의 활성화값은 0과 1에 몰리고, 30개 구간 가운데 양 끝 "
    "구간에는 10만 개 중 약 3만 5천 개씩이 들어간다.",
    "T02": "한 층의 히스토그램 막대를 모두 더하면 1000 x 100이고, 구간 하나의 너비는 1/30 = 0.0333이다.",
    "T03": "시그모이드에 들어가는 것은 XW이며, 만약 W가 그대로 들어간다면 활성화값은 몰리지 않고 "
    "표준정규분포의 밀도를 따를 것이다.",
    "T04": "z가 0에서 멀어질수록 시그모이드의 출력은 0이나 1에, 기울기는 0에 가까워진다.",
    "T05": "표준편차 1에서 활성화값이 0과 1에 몰리면 기울기는 층을 거슬러 갈수록 작아지다가 소실된다.",
    "T06": "수치 미분을 하면 포화된 출력에서는 부동소수점의 한계 때문에 f(w+h) - f(w-h)가 정확히 0이 된다.",
    "T07": "소프트맥스와 손실을 합친 계층은 y_k - t_k를 돌려보내는데, 이 값은 y_k가 0이나 1에 가까워지면 "
    "정확히 0이 된다.",
    "T08": "시그모이드는 [1 3 5 7 9]를 [0.73105858 0.95257413 0.99330715 0.99908895 0.99987661]로 누르고, "
    "tanh도 같은 방식으로 누르며, 누르는 정도는 S자의 양 끝에서 가장 크다.",
    "T09": "ReLU에는 그런 양 끝이 없으므로 기울기 소실이 해결된다.",
    "T10": "표준편차 0.01이면 시그모이드의 활성화값은 sigmoid(0) = 0.5 부근에 몰린다.",
    "T11": "표준편차 0.01에서는 기울기가 소실되지 않는다.",
    "T12": "표준편차 0.01이면 뉴런들이 서로 다른 값을 나타내지 못하므로 뉴런을 여럿 두는 의미가 없다.",
    "T13": "시그모이드와 tanh는 중심 부근에서 선형이므로(1차 테일러 근사) Xavier 초깃값이 어울린다.",
    "T14": "Xavier 초깃값은 앞 층의 노드가 n개일 때 표준편차가 1/√n이며, 이때 시그모이드의 활성화값은 더 "
    "넓게 퍼진다.",
    "T15": "Xavier 초깃값을 쓰면 S자 모양의 함수에서 신호가 깊은 층까지 살아남는다.",
    "T16": "ReLU를 위한 He 초깃값의 표준편차는 2/√n이다.",
    "T17": "He 초깃값을 쓰면 ReLU 층의 활성화값은 어느 깊이에서나 고르게 퍼진다.",
    "T18": "좋은 가중치 초깃값이란 활성화값을 적당히 퍼뜨리는 값이다.",
    "T19": "배치 정규화는 아핀 출력 하나하나를 미니배치에 걸쳐 평균 0, 분산 1로 만든다.",
    "T20": "그러므로 배치 정규화를 거친 출력은 표준정규분포를 따른다.",
    "T21": "배치 정규화는 한 입력 안에서가 아니라 미니배치의 입력들에 걸쳐 통계량을 구한다.",
    "T22": "배치 정규화의 ε은 0으로 나누는 일을 막을 뿐이다.",
    "T23": "배치 정규화는 y = γx̂ + β로 끝나며, γ = 1, β = 0에서 시작해 학습된다.",
    "T24": "순서는 아핀, 배치 정규화, ReLU이다.",
    "T25": "배치 정규화를 쓰면 신경망이 가중치 초깃값에 크게 의존하지 않는다.",
    "T26": "배치 정규화는 기울기 소실과 기울기 폭발을 막는다.",
    "T27": "배치 정규화는 오버피팅을 억제하며, 드롭아웃을 함께 쓸 수도 있다.",
    "T28": "오버피팅 때문에 학습을 끝없이 할 수는 없으므로, 더 적은 갱신으로 같은 수준에 이르는 좋은 "
    "가중치 초깃값이 도움이 된다.",
}
"""What the chapter says, in our words: the sentences of `claims.CLAIMS`."""

WORDS: dict[Outcome, str] = {
    Outcome.holds: "성립",
    Outcome.refuted: "반박됨",
    Outcome.depends: "조건부",
    Outcome.undecided: "판정 보류",
}
"""The outcomes."""

NEEDS: dict[str, str] = {
    "needs training": "학습이 필요하다: verinit textbook --with-training",
    "needs data": "손글씨 숫자 데이터가 필요하다: pip install 'verinit[data]'",
}
"""By the first words of its summary, what a claim that was not examined waits for."""


def claim_ko(code: str) -> str:
    """What the chapter says, in Korean. Raises `UsageError` for a code that no claim has."""
    if code not in CLAIMS_KO:
        raise unknown("textbook claim", code, CLAIMS_KO)
    return CLAIMS_KO[code]


def summary_ko(ruling: Ruling) -> str:
    """The ruling in one Korean sentence, filled from its own evidence.

    Where there is no sentence for this claim and outcome, or the evidence lacks a number of it, the sentence
    says the outcome and no more.
    """
    told = SENTENCES.get((ruling.id, ruling.ruling))
    if told is None:
        return _plain(ruling)
    numbers = [_written(ruling.evidence, each) for each in told.numbers]
    known = [each for each in numbers if each is not None]
    return told.text.format(*known) if len(known) == len(numbers) else _plain(ruling)


def told_in_korean(ruling: Ruling) -> Ruling:
    """The same ruling with claim and summary in Korean; conditions and evidence stay as they are."""
    return replace(ruling, claim=claim_ko(ruling.id), summary=summary_ko(ruling))


def _plain(ruling: Ruling) -> str:
    word = WORDS[ruling.ruling]
    if not ruling.evidence:
        needed = [text for cause, text in NEEDS.items() if ruling.summary.startswith(cause)]
        return " ".join([f"이 주장에 대한 판정은 '{word}'이다.", *needed])
    return f"이 주장에 대한 판정은 '{word}'이며, 근거가 된 측정값과 조건을 함께 싣는다."


def _written(evidence: tuple[Evidence, ...], wanted: Number) -> str | None:
    """The number in Korean text; None unless exactly one line has it and it is finite."""
    lines = [line for line in evidence if all(word in line.quantity for word in wanted.words)]
    if len(lines) != 1:
        return None
    line = lines[0]
    value = _value(line, wanted)
    if not math.isfinite(value):
        return None
    return power_of_ten(value) if wanted.form == "power" else format(value, wanted.form)


_FACTORS = {"left": (10.0, -1.0), "decades": (10.0, 1.0), "doublings": (2.0, 1.0)}
"""Base and sign of the logarithm that a line observed."""


def _value(line: Evidence, wanted: Number) -> float:
    if wanted.field not in _FACTORS:
        value: float = getattr(line, wanted.field)
        return value
    base, sign = _FACTORS[wanted.field]
    try:
        return math.pow(base, sign * line.observed)
    except OverflowError:
        return math.inf


_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def power_of_ten(value: float) -> str:
    """Two significant digits, with a power of ten outside [0.01, 1000).

    >>> power_of_ten(0.32), power_of_ten(9.73e-9)
    ('0.32', '9.7×10⁻⁹')
    """
    if value == 0.0 or 0.01 <= abs(value) < 1000.0:
        return f"{float(f'{value:.2g}'):g}"  # 320 and not 3.2e+02
    digits, _, exponent = f"{value:.1e}".partition("e")
    return f"{digits}×10{str(int(exponent)).translate(_RAISED)}"
