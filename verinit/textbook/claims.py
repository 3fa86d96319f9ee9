"""What the chapter says, sentence by sentence, in our words."""

from __future__ import annotations

CLAIMS: dict[str, str] = {
    "T01": "Sigmoid, std 1: activations pile up at 0 and 1; each end bin of 30 has about 35,000 of 100,000.",
    "T02": "The bars of one layer's histogram add up to 1000 x 100, and each bin is 1/30 = 0.0333 wide.",
    "T03": "What enters the sigmoid is X W; if W itself entered, the activations would not pile up but "
    "follow the standard normal density.",
    "T04": "The farther z is from 0, the closer sigmoid comes to 0 or 1 and its slope to 0.",
    "T05": "With activations piled at 0 and 1 (std 1), the gradient shrinks by layers until it vanishes.",
    "T06": "Differentiated numerically, saturated outputs make f(w+h) - f(w-h) exactly 0 in floating point.",
    "T07": "Softmax-with-loss sends back y_k - t_k, which becomes exactly 0 when y_k comes close to 0 or 1.",
    "T08": "Sigmoid squeezes [1 3 5 7 9] into [0.73105858 0.95257413 0.99330715 0.99908895 0.99987661]; tanh "
    "squeezes in the same way, strongest at the ends of the S.",
    "T09": "ReLU, having no such ends, solves the vanishing gradient.",
    "T10": "Sigmoid, std 0.01: activations crowd around sigmoid(0) = 0.5.",
    "T11": "With std 0.01 the gradient does not vanish.",
    "T12": "With std 0.01 units cannot express different values, so that having many of them is pointless.",
    "T13": "Sigmoid and tanh are linear near the centre (first-order Taylor), hence Xavier suits them.",
    "T14": "Xavier: std = 1 / sqrt(n), n units in the layer before; sigmoid's activations then spread wider.",
    "T15": "Xavier keeps the signal alive for S-shaped functions through the depth of the network.",
    "T16": "He, for ReLU: std = 2 / sqrt(n).",
    "T17": "With He, ReLU layers keep an even spread of activations at every depth.",
    "T18": "A good initial value is one that spreads activations suitably.",
    "T19": "Batch norm brings every affine output to mean 0 and variance 1 over the mini-batch.",
    "T20": "A batch-normed output therefore follows the standard normal distribution.",
    "T21": "Batch norm takes its statistics across the inputs of a mini-batch, not within one input.",
    "T22": "In batch norm, epsilon only prevents division by zero.",
    "T23": "Batch norm ends with y = gamma * x_hat + beta, from gamma = 1 and beta = 0, then learnt.",
    "T24": "The order is affine, batch norm, ReLU.",
    "T25": "Batch norm makes the network depend little on its initial weights.",
    "T26": "Batch norm prevents vanishing and exploding gradients.",
    "T27": "Batch norm suppresses overfitting (dropout may still be used beside it).",
    "T28": "Overfitting forbids training for ever, so a well-chosen initial value, which gets as good in "
    "fewer steps, helps.",
}
