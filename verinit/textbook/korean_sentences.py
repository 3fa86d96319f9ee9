"""Rulings in one Korean sentence each, as data: a template, and the lines of evidence that fill it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from verinit.vocabulary import Outcome

Field = Literal["observed", "expected", "n", "left", "decades", "doublings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """One number of a sentence: the line whose quantity has all of `words`, and how it is written.

    field  of the evidence, or the factor that what was observed stands for: "left" is 10 to the minus
           observed, for lines in decades lost; "decades" is 10, and "doublings" 2, to the observed
    form   a format of Python, or "power" for two digits and a power of ten where it is small or large
    """

    words: tuple[str, ...]
    field: Field = "observed"
    form: str = ".2f"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """A template with numbered places and what fills them."""

    text: str
    numbers: tuple[Number, ...] = ()


def number(*words: str, field: Field = "observed", form: str = ".2f") -> Number:
    """The number of the one line that has all of these words."""
    return Number(words=words, field=field, form=form)


def power(*words: str, field: Field = "observed") -> Number:
    """The same, written with a power of ten."""
    return number(*words, field=field, form="power")


def sentence(text: str, *numbers: Number) -> Sentence:
    """A template and its numbers in the order of their places."""
    return Sentence(text=text, numbers=numbers)


HOLDS, REFUTED, DEPENDS = Outcome.holds, Outcome.refuted, Outcome.depends

SENTENCES: dict[tuple[str, Outcome], Sentence] = {
    ("T01", DEPENDS): sentence(
        "0과 1에 몰리기는 하지만 끝 구간 하나에 1층에서는 평균 {0}개, 5층에서는 {1}개가 들어가고, 두 끝 "
        "가운데 더 벗어난 쪽은 보통 3만 5천 개와 1층에서 {2}, 5층에서 {3} 차이가 나므로, 이 숫자는 첫 "
        "층에만 들어맞는다.",
        number("layer 1", "in an end bin", form=",.0f"),
        number("layer 5", "in an end bin", form=",.0f"),
        number("layer 1", "relative distance", form=".0%"),
        number("layer 5", "relative distance", form=".0%"),
    ),
    ("T02", HOLDS): sentence(
        "어느 층에서나 막대의 합은 정확히 {0}개이고 구간의 너비는 1/30이다.",
        number("layer 1", "sum of the bars", form=",.0f"),
    ),
    ("T03", DEPENDS): sentence(
        "시그모이드에 들어가는 것은 XW이고 W만 들어간다면 양 끝 두 구간에는 {0}만 놓여 몰리지 않지만, "
        "표준정규분포를 따르는 것은 W일 뿐 활성화값 sigmoid(W)는 그 분포에서 콜모고로프 거리로 {1}만큼 "
        "떨어져 있다.",
        number("sigmoid(W) in the two end bins", form=".2%"),
        number("of sigmoid(W), the activations", form=".3f"),
    ),
    ("T04", HOLDS): sentence(
        "가까운 한계까지의 거리와 기울기는 모두 exp(-|z|)보다 작고, |z|를 {0}번 늘려 가는 동안 한 번도 "
        "빠짐없이 줄어든다.",
        number("distance to the limit does not fall", field="n", form=","),
    ),
    ("T05", DEPENDS): sentence(
        "기울기의 RMS는 다섯 층을 지나 폭 100에서는 {1}배가 남아 거의 줄지 않고, 폭 10에서는 {0}배로 "
        "소실되며 폭 1000에서는 {2}배로 커지지만, 그 기울기는 포화되지 않은 소수의 뉴런에 몰려 있어 폭 "
        "100에서 중앙값에 있는 뉴런이 받는 기울기는 5층에서 이미 맨 위 RMS의 {3}배에 지나지 않고 1층에서는 "
        "{4}배이므로, 이 뉴런은 층수 때문이 아니라 제자리에서 포화되어 침묵한다.",
        number("width 10: RMS of the gradient left", form=".2g"),
        number("width 100: RMS of the gradient left", form=".2f"),
        number("width 1000: RMS of the gradient left", form=".0f"),
        power("width 100, layer 5: gradient at the median unit"),
        power("width 100, layer 1: gradient at the median unit"),
    ),
    ("T06", DEPENDS): sentence(
        "출력이 1로 반올림된 뒤, 곧 float64에서는 w = {0}, float32에서는 w = {1}부터는 차가 늘 0이지만, "
        "포화된 것처럼 보일 뿐 아직 1이 아닌 출력에서는 float64로 w의 그 구간을 고르게 나눈 {2}곳 가운데 "
        "{3}곳에서만 0이다.",
        number("float64, h = 0.0001: smallest w > 0"),
        number("float32, h = 0.0001: smallest w > 0"),
        number("float64", "29/30 < y < 1", field="n", form=","),
        number("float64", "29/30 < y < 1", form=",.0f"),
    ),
    ("T07", DEPENDS): sentence(
        "정답을 맞힌 출력에서는 로짓의 차이가 float32에서 {0}, float64에서 {1}에 이르면 정확히 0이 되지만 "
        "가까워지는 것만으로는 부족하고, 틀린 출력에서는 소실되기는커녕 {2}만큼의 기울기가 돌아온다.",
        number("float32, K = 2: gap from which y - 1 is exactly 0"),
        number("float64, K = 2: gap from which y - 1 is exactly 0"),
        number("float64, K = 2, gap 10", "y - 0 of the class", form=".5f"),
    ),
    ("T08", HOLDS): sentence(
        "인쇄된 다섯 값은 마지막 자리까지 맞고, tanh는 인수를 두 배로 한 시그모이드를 (-1, 1)로 늘인 "
        "것이어서 같은 방식으로 누르며, 두 함수의 기울기는 1에서 9까지 가는 동안 줄곧 작아진다.",
    ),
    ("T09", DEPENDS): sentence(
        "기울기를 살리는 것은 ReLU의 모양이 아니라 가중치의 크기여서, He 초깃값에서는 다섯 층 뒤에 기울기 "
        "RMS의 {0}배가 남지만 표준편차 0.01에서는 {1}배, 1/√n에서는 25층 뒤에 {2}배만 남고, ReLU도 "
        "미분값의 {3}가 정확히 0이다.",
        number("He, width 100, depth 5: RMS left"),
        power("std 0.01, width 100, depth 5: RMS left"),
        power("1/sqrt(n), width 100, depth 25: RMS left"),
        number("share of slopes that are exactly 0", form=".0%"),
    ),
    ("T10", HOLDS): sentence(
        "1층에서는 활성화값의 {0}가, 5층에서는 {1}가 0.5에 맞닿은 두 구간에 놓이고, 표준편차는 1층에서 "
        "{2}, 5층에서 {3}에 지나지 않는다.",
        number("layer 1: share in the two bins", form=".0%"),
        number("layer 5: share in the two bins", form=".0%"),
        number("layer 1: standard deviation", form=".4f"),
        number("layer 5: standard deviation", form=".4f"),
    ),
    ("T11", REFUTED): sentence(
        "포화된 뉴런이 없어 시그모이드의 미분값은 최댓값인 {0}에 머물지만, 층을 하나 지날 때마다 기울기의 "
        "RMS에 std·√n/4가 곱해져 폭 100의 다섯 층 뒤에는 {1}배, tanh에서도 {2}배만 남으며, 살펴본 폭 10에서 "
        "1000까지 모두 기울기가 소실된다.",
        number("median slope", form=".2f"),
        power("sigmoid, width 100: RMS left"),
        power("tanh, width 100: RMS left"),
    ),
    ("T12", DEPENDS): sentence(
        "두 입력에 대한 출력의 코사인은 1층에서 이미 1과 {0}만큼밖에 다르지 않지만, 평균을 빼고 보면 유효 "
        "랭크가 1층에서 {1}, 5층에서 {2}로 1보다 훨씬 커서 뉴런들은 서로 다른 것을 말하며, 이를 끝내는 "
        "것은 반올림이어서 200개의 입력을 float64의 5층은 모두 구별하지만 float32의 5층과 float16의 3층은 "
        "거의 구별하지 못한다.",
        power("layer 1: 1 - cosine"),
        number("layer 1: effective rank of the centred", form=".0f"),
        number("layer 5: effective rank of the centred", form=".0f"),
    ),
    ("T13", DEPENDS): sentence(
        "두 함수 모두 중심 부근에서는 선형이지만, Xavier가 가정하는 직선 y = z는 tanh뿐이고 시그모이드의 "
        "직선은 기울기 {0}, 절편 {1}이며, tanh도 Xavier의 1층에서는 z가 선형인 범위를 벗어나 입력 차이의 "
        "{2}배만 통과시킨다.",
        number("sigmoid: slope at 0"),
        number("sigmoid: value at 0", form=".1f"),
        number("tanh, Xavier", "layer 1"),
    ),
    ("T14", DEPENDS): sentence(
        "활성화값은 표준편차 0.01일 때보다 1층에서 {0}배, 5층에서 {1}배 넓게 퍼지지만, 1/√n은 논문의 "
        "순전파 조건만 지키고 논문이 역전파 조건과 절충한 표준편차는 √(2/(n_in + n_out))이므로, 1/√n은 "
        "입력과 출력의 수가 같은 층에서만 이와 같고 100 x 400인 층에서는 {2}배가 된다.",
        number("layer 1: spread with 1/sqrt(n) over", form=".1f"),
        number("layer 5: spread with 1/sqrt(n) over", form=".1f"),
        number("xavier_normal's at 100 x 400"),
    ),
    ("T15", DEPENDS): sentence(
        "tanh에서는 다섯 층 뒤에 입력 차이의 {0}배와 기울기의 {1}배, 25층 뒤에도 {2}배와 {3}배가 남아 "
        "깊이의 거듭제곱 꼴로 천천히 줄지만, 시그모이드에서는 활성화값이 퍼져 있는데도 다섯 층 만에 각각 "
        "{4}배와 {5}배로 줄어든다.",
        number("tanh, depth 5: difference between inputs, beside"),
        number("tanh, depth 5: RMS of the gradient, beside"),
        number("tanh, depth 25: difference between inputs, beside"),
        number("tanh, depth 25: RMS of the gradient, beside"),
        power("sigmoid, depth 5: difference between inputs, beside"),
        power("sigmoid, depth 5: RMS of the gradient, beside"),
    ),
    ("T16", REFUTED): sentence(
        "He 초깃값의 표준편차는 √(2/n)이고, 2/√n은 n이 얼마이든 그 {0}배여서, 제곱평균이 √(2/n)에서는 "
        "층마다 {2}배에 그치지만 2/√n에서는 {1}배로 커진다.",
        number("he_normal's at 100 x 100", form=".3f"),
        number("gain of the mean square a layer, std 2/sqrt(n)", "should be"),
        number("gain of the mean square a layer, std sqrt(2/n)"),
    ),
    ("T17", DEPENDS): sentence(
        "He 초깃값이 지키는 것은 가중치를 거듭 뽑았을 때의 평균이어서, 전형적인 실행에서는 폭 100의 다섯 "
        "층까지는 고르지만 폭 25에서는 100층 뒤에 제곱평균이 {0}배로 줄어든다.",
        power("layer 100 over layer 1, one input", field="doublings"),
    ),
    ("T18", DEPENDS): sentence(
        "퍼짐은 충분하지 않아서 시그모이드에 Xavier를 쓰면 활성화값이 적당히 퍼지는데도 다섯 층 뒤에 입력 "
        "차이의 {0}배와 기울기의 {1}배만 남고, 입력이 희미하면 필요하지도 않아서 표준편차 0.01인 입력을 "
        "tanh와 Xavier에 넣으면 활성화값이 가운데에 몰리는데도 각각 {2}배와 {3}배가 남는다.",
        power("sigmoid with Xavier: difference", field="left"),
        power("sigmoid with Xavier: RMS", field="left"),
        number("tanh with Xavier on inputs", "difference", field="left"),
        number("tanh with Xavier on inputs", "RMS", field="left"),
    ),
    ("T19", DEPENDS): sentence(
        "평균은 반올림 오차를 빼면 0이지만, 분산은 s²/(s² + ε)이므로 s²이 ε보다 훨씬 클 때에만 1이고 "
        "가중치의 표준편차가 10⁻⁵이면 {0}밖에 되지 않는다.",
        number("std 1e-05: variance of the worst unit", form=".4f"),
    ),
    ("T20", DEPENDS): sentence(
        "평균과 분산이 같다고 분포가 같은 것은 아니어서, 미니배치가 크면 아핀 출력의 분포를 옮기고 늘일 "
        "뿐이지만 작으면 모양까지 바꾸며, 표준정규분포와의 콜모고로프 거리는 입력이 정규분포이면 {0}에 "
        "그치지만 0과 1뿐인 입력에서는 {1}, 입력이 정규분포라도 미니배치의 크기가 2이면 {2}에 이른다.",
        number("normal inputs: Kolmogorov", form=".3f"),
        number("one input that is 1 in", form=".3f"),
        number("normal inputs, batches of two", form=".3f"),
    ),
    ("T21", HOLDS): sentence(
        "입력들에 걸친 평균은 뉴런마다 0이고, 한 뉴런을 바꾸어도 다른 뉴런의 출력 {0}개는 그대로이지만 한 "
        "입력을 바꾸면 다른 모든 입력의 출력이 달라진다.",
        number("outputs of other units that one unit changes", field="n", form=","),
    ),
    ("T22", DEPENDS): sentence(
        "값이 변하지 않는 뉴런에서 0으로 나누는 일을 막지만 그뿐만은 아니어서, s² = ε이면 출력의 분산이 "
        "{0}배, 기울기의 RMS가 {1}배로 줄고, s²이 ε의 1000배 이상이면 그런 영향은 보이지 않는다.",
        number("s^2 = 1 eps: variance"),
        number("s^2 = 1 eps: RMS"),
    ),
    ("T23", HOLDS): sentence(
        "γ = 1, β = 0이면 출력은 x̂ 그대로이고, 경사 하강을 40번 하면 γ는 1에서 {0}, β는 0에서 {1}까지 "
        "이론대로 학습된다.",
        number("gamma after 40 steps"),
        number("beta after 40 steps"),
    ),
    ("T24", DEPENDS): sentence(
        "이 순서는 관례이고 순서마다 보장하는 것이 달라서, 배치 정규화를 ReLU 앞에 두면 침묵하는 뉴런이 "
        "없는 대신 다음 층이 받는 평균이 {0}에 이르고, 뒤에 두면 다음 층이 받는 평균은 0이지만 침묵한 "
        "채로 남는 뉴런이 편향의 표준편차가 1이면 {2}, 10이면 {1} 이상이다.",
        number("affine, BN, ReLU: mean of what ReLU sends", form=".3f"),
        number("affine, ReLU, BN: share of units without", form=".0%"),
        number("affine, ReLU, BN, biases of std 1: share of silent units", form=".0%"),
    ),
    ("T25", DEPENDS): sentence(
        "배치 정규화를 쓰면 가중치의 표준편차가 0.03에서 0.3까지 열 배 달라도 100번 갱신한 뒤의 시험 정확도 "
        "차이가 {0}에 그치지만(배치 정규화가 없으면 {1}), 0.0001에서 1까지 만 배 달라지면 {2}이고, 모두 같은 "
        "값으로 시작한 가중치는 배치 정규화로도 되살리지 못하여 정확도가 {3} 낮다.",
        number("with batch norm, std 0.03 to 0.3"),
        number("without batch norm, std 0.03 to 0.3"),
        number("with batch norm, std 0.0001 to 1", "best less worst"),
        number("less from equal ones"),
    ),
    ("T26", DEPENDS): sentence(
        "배치 정규화를 쓰면 가중치의 표준편차가 0.01에서 1일 때 신호와 기울기가 소실되지 않지만, 0.0001이면 "
        "ε에 묻혀 소실되고, 기울기의 RMS는 층을 거슬러 갈 때마다 약 1.21배로 커져서 다섯 층에서는 {0}배에 "
        "그치고 40층에서는 {1}배로 폭발한다.",
        number("He, sqrt(2/n), 5 layers, backward", field="decades", form=",.2f"),
        number("He, sqrt(2/n), 40 layers, backward", field="decades", form=",.0f"),
    ),
    ("T27", REFUTED): sentence(
        "이미지 100장만 배울 때 배치 정규화는 학습 정확도와 시험 정확도의 차이를 {0}배로 만들어 오버피팅을 "
        "억제하지 못하며, 그 곁에 드롭아웃을 함께 쓰면 그 차이가 {1}배로 줄어든다.",
        number("batch norm alone: share of the gap left"),
        number("dropout beside batch norm"),
    ),
    ("T28", DEPENDS): sentence(
        "좋은 초깃값은 ReLU에서 He가 Xavier의 {0}배의 갱신으로 같은 정확도에 이르게 하지만, 시그모이드에 "
        "권하는 Xavier는 표준편차 0.4보다 적어도 {1}배의 갱신이 필요하고, 오래 학습해도 시험 정확도는 가장 "
        "좋았을 때보다 {2} 낮아질 뿐이어서 금지할 까닭이 없다.",
        number("relu, He", "from Xavier"),
        number("sigmoid, Xavier"),
        number("training on: test accuracy lost", form=".3f"),
    ),
}
"""By claim and outcome: another outcome has another sentence, or none."""
