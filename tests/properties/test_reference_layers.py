"""Layers keep dtype and shape, batch norm whitens and remembers, dropout keeps the mean, misuse has words."""

import math

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from verinit.reference.activations import tanh
from verinit.reference.layers import Activate, Affine, BatchNorm, Dropout, SoftmaxWithLoss
from verinit.vocabulary import Layer, Loss, Normalizer, UsageError

EPS = float(np.finfo(float).eps)
RATE = 1e-9
DTYPES = [np.dtype(d) for d in ("float16", ml_dtypes.bfloat16, "float32", "float64")]


def batch_norm(width, **options):
    return BatchNorm(np.ones(width), np.zeros(width), **options)


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**32),
    shape=st.sampled_from([(2, 1), (9, 4), (50, 3), (3, 5, 2), (2, 3, 4, 5)]),
    scale=st.sampled_from([1e-4, 1.0, 1e6]),
    offset=st.sampled_from([0.0, 3.0, -100.0]),
    eps=st.sampled_from([1e-5, 1e-3, 0.0]),
)
def test_batch_norm_gives_mean_zero_and_variance_below_one_by_eps(seed, shape, scale, offset, eps):
    x = (np.random.default_rng(seed).standard_normal(shape) + offset) * scale
    y = batch_norm(shape[-1], eps=eps).forward(x, True).reshape(-1, shape[-1])
    n, rows = len(y), x.reshape(-1, shape[-1])
    s2 = rows.var(axis=0)
    # x - mean errs by about n eps max|x|, which the scale magnifies; a mean of y by n roundings more
    largest = np.abs(y).max(axis=0)
    error = (4 * n + 16) * EPS * (np.abs(rows).max(axis=0) / np.sqrt(s2 + eps) + largest)
    assert (np.abs(y.mean(axis=0)) <= error).all()
    assert (np.abs(y.var(axis=0) - s2 / (s2 + eps)) <= 2 * error * largest + error**2).all()


def test_gamma_and_beta_set_variance_and_mean():
    x, gamma, beta = (
        np.random.default_rng(1).standard_normal((64, 3)),
        np.array([2.0, -3.0, 0.0]),
        np.arange(3.0),
    )
    plain = batch_norm(3).forward(x, True)
    assert (BatchNorm(gamma, beta).forward(x, True) == gamma * plain + beta).all()


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 2**32),
    momentum=st.sampled_from([0.0, 0.1, 0.9, 1.0]),
    unbiased=st.booleans(),
    batches=st.integers(0, 6),
)
def test_running_statistics_follow_the_recursion(seed, momentum, unbiased, batches):
    rng, n = np.random.default_rng(seed), 7
    layer = batch_norm(3, momentum=momentum, unbiased=unbiased)
    xs = [rng.standard_normal((n, 3)) for _ in range(batches)]
    for x in xs:
        layer.forward(x, True)
        layer.forward(100 + x, False)  # evaluation leaves no trace
    weights = [(1 - momentum) * momentum**k for k in reversed(range(batches))]
    mean = sum((w * x.mean(axis=0) for w, x in zip(weights, xs, strict=True)), np.zeros(3))
    var = sum((w * x.var(axis=0, ddof=int(unbiased)) for w, x in zip(weights, xs, strict=True)), np.zeros(3))
    # n roundings a mean, four a step, on numbers below the largest |x| and x^2 (or the initial 0 and 1)
    largest = 1 + max((np.abs(x).max() for x in xs), default=0.0)
    slack = (2 * n + 8 + 4 * batches) * EPS
    assert np.abs(layer.running_mean - mean).max() <= slack * largest
    assert np.abs(layer.running_var - var - momentum**batches).max() <= slack * (2 * largest) ** 2


def test_running_statistics_are_those_given():
    mean, var = np.array([1.0, -2.0]), np.array([4.0, 0.25])
    layer = batch_norm(2, eps=0.0, running_mean=mean, running_var=var)
    assert (layer.forward(np.array([[5.0, -1.0]]), False) == [[2.0, 2.0]]).all()
    assert mean.tolist() == [1.0, -2.0]


def test_evaluation_normalises_each_row_by_itself():
    layer, x = batch_norm(3), np.random.default_rng(3).standard_normal((10, 3))
    layer.forward(x, True)
    whole = layer.forward(x, False)
    assert all((layer.forward(x[i : i + 1], False) == whole[i]).all() for i in range(10))


def test_a_batch_of_one_has_a_biased_variance_only():
    x = np.array([[3.0, -1.0]])
    assert (batch_norm(2, unbiased=False).forward(x, True) == 0).all()
    with pytest.raises(UsageError) as caught:
        batch_norm(2).forward(x, True)
    assert str(caught.value) == (
        "x of shape (1, 2): a batch of 1 has no unbiased variance: give 2 or more, or unbiased=False"
    )


@pytest.mark.parametrize("rate", [0.0, 0.2, 0.5, 0.9])
def test_dropout_keeps_the_mean_and_what_survives(rate):
    """The number of survivors is exactly binomial; tested at a rate of 1e-9."""
    layer = Dropout(rate, np.random.default_rng(5))
    x = np.full((200, 250), 3.0)
    y = layer.forward(x, True)
    assert set(np.unique(y)) <= {0.0, 3.0 * (1.0 / (1.0 - rate))}
    survivors = int((y != 0).sum())
    assert stats.binomtest(survivors, y.size, 1 - rate).pvalue > RATE
    assert (layer.backward(x) == y).all()
    assert (layer.forward(x, False) == x).all()
    assert (layer.backward(x) == x).all()


def test_dropout_draws_anew_each_time_and_from_its_rng_alone():
    x = np.ones((20, 20))
    one, two = (Dropout(0.5, np.random.default_rng(6)) for _ in range(2))
    first = one.forward(x, True)
    assert (first == two.forward(x, True)).all()
    assert (first != one.forward(x, True)).any()  # 400 equal coins: chance 2^-400


def test_the_loss_does_not_change_under_shifts():
    z = np.array([[-3.0, 0.5, 2.25], [7.0, 6.5, -1.125]])  # sums with whole numbers are exact
    labels, loss = np.array([2, 0]), SoftmaxWithLoss()
    plain, gradient = loss.forward(z, labels), loss.backward()
    for shift in (1.0, -1000.0, 2.0**40):
        assert loss.forward(z + shift, labels) == plain
        assert (loss.backward() == gradient).all()


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**32), rows=st.integers(1, 9), classes=st.integers(1, 9))
def test_labels_may_be_numbers_or_one_hot(seed, rows, classes):
    rng = np.random.default_rng(seed)
    z, labels = rng.normal(0, 4, (rows, classes)), rng.integers(0, classes, rows)
    one, two = SoftmaxWithLoss(), SoftmaxWithLoss()
    assert one.forward(z, labels) == two.forward(z, np.eye(classes)[labels])
    assert (one.backward() == two.backward()).all()
    # a row of gradients is a difference of two distributions: k roundings of numbers at most 1
    assert np.abs(one.backward().sum(axis=1)).max() <= (2 * classes + 4) * EPS


def test_the_loss_is_stable_far_out():
    with np.errstate(all="raise", under="ignore"):
        loss = SoftmaxWithLoss()
        assert loss.forward(np.array([[1e300, 0.0], [0.0, -math.inf]]), np.array([1, 0])) == 5e299
        assert loss.backward().tolist() == [[0.5, -0.5], [0.0, 0.0]]
        confident = loss.forward(np.array([[-50.0, 0.0]]), np.array([1]))
        assert abs(confident / math.exp(-50.0) - 1) <= 4 * EPS  # exp, log1p and two exact steps


def test_equal_logits_lose_the_logarithm_of_the_number_of_classes():
    for k in (2, 10, 1000):
        loss = SoftmaxWithLoss().forward(np.zeros((3, k)), np.array([0, 1, 1]))
        assert abs(loss - math.log(k)) <= 4 * EPS * math.log(k)  # a logarithm, a sum of 3 and a quotient


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_signals_gradients_and_parameters_keep_their_dtypes(dtype):
    rng = np.random.default_rng(8)
    x, c = (rng.standard_normal((6, 4)).astype(dtype) for _ in range(2))
    W, gamma = rng.standard_normal((4, 4)).astype(dtype), np.ones(4, dtype)
    affine, norm = Affine(W, gamma), BatchNorm(gamma, gamma)
    outputs = [affine.forward(x), affine.backward(c), affine.dW, affine.db]
    for training in (True, False):
        outputs += [norm.forward(x, training), norm.backward(c), norm.dgamma, norm.dbeta]
    for layer in (Activate(tanh),):
        outputs += [layer.forward(x), layer.backward(c)]
    dropout, loss = Dropout(0.5, rng), SoftmaxWithLoss()
    outputs += [dropout.forward(x, True), dropout.backward(c)]
    loss.forward(x, np.zeros(6, int))
    outputs.append(loss.backward())
    assert {y.dtype for y in outputs} == {dtype}
    assert affine.dW.shape == (4, 4)
    assert norm.running_var.dtype == (np.float64 if dtype.itemsize == 8 else np.float32)


def test_layers_meet_their_protocols():
    rng = np.random.default_rng(9)
    assert isinstance(Affine(np.ones((2, 2)), None), Layer)
    assert isinstance(Activate(tanh), Layer)
    assert isinstance(batch_norm(2), Normalizer)
    assert isinstance(Dropout(0.1, rng), Layer)
    assert isinstance(SoftmaxWithLoss(), Loss)


def test_no_bias_has_no_gradient():
    layer = Affine(np.ones((2, 3)), None)
    layer.backward(layer.forward(np.ones((4, 2))))
    assert layer.db is None


ONES = np.ones((2, 3))
FIRST = "backward was called before forward: call forward first, it stores what backward needs"
MISUSE = [
    (lambda: Affine(ONES, None).backward(ONES), FIRST),
    (lambda: Activate(tanh).backward(ONES), FIRST),
    (lambda: batch_norm(3).backward(ONES), FIRST),
    (lambda: Dropout(0.5, np.random.default_rng(0)).backward(ONES), FIRST),
    (lambda: SoftmaxWithLoss().backward(), FIRST),
    (lambda: Dropout(1.0, np.random.default_rng(0)), "rate=1.0: must be at least 0 and less than 1"),
    (lambda: batch_norm(3, momentum=1.5), "momentum=1.5: must lie between 0 and 1"),
    (lambda: batch_norm(3, eps=-1e-5), "eps=-1e-05: must be finite and not negative"),
    (
        lambda: batch_norm(3, unbiased=False).forward(np.ones((0, 3)), True),
        "x of shape (0, 3): a batch of 0 has no variance",
    ),
    (
        lambda: SoftmaxWithLoss().forward(ONES, np.array([0, 3])),
        "labels from 0 to 3: must lie between 0 and 2",
    ),
    (
        lambda: SoftmaxWithLoss().forward(ONES, np.array([0.0, 1.0])),
        "labels of shape (2,) and dtype float64: must be 2 whole numbers or one-hot rows of shape (2, 3)",
    ),
    (
        lambda: SoftmaxWithLoss().forward(np.ones(3), np.array(0)),
        "logits of shape (3,): must be (N, K) with at least one row and one class",
    ),
]


@pytest.mark.parametrize(("use", "message"), MISUSE)
def test_misuse_is_answered_in_words(use, message):
    with pytest.raises(UsageError) as caught:
        use()
    assert str(caught.value) == message
