"""Programs of LSTM, GRU and RNN, which FlopCounterMode does not see: #steps × #weights by hand."""

from __future__ import annotations

from typing import Any

import torch
from base import Program
from torch import nn

STEPS, BATCH, FEATURES, HIDDEN = 5, 3, 8, 6


def weights(gates: int, layers: int = 1, directions: int = 1, projection: int = 0) -> int:
    """The elements of the matrices of a recurrent layer."""
    shown = projection or HIDDEN
    total = 0
    for layer in range(layers):
        features = FEATURES if layer == 0 else shown * directions
        total += directions * (gates * HIDDEN * (features + shown) + projection * HIDDEN)
    return total


class Layers(nn.Module):
    """LSTM, GRU and RNN of one or two layers, in one direction or both, with initial states or without."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(FEATURES, HIDDEN, 2, batch_first=True, bidirectional=True)
        self.unbiased = nn.LSTM(FEATURES, HIDDEN, bias=False)
        self.gru = nn.GRU(FEATURES, HIDDEN, 2)
        self.tanh = nn.RNN(FEATURES, HIDDEN, bidirectional=True)
        self.relu = nn.RNN(FEATURES, HIDDEN, nonlinearity="relu")

    def forward(self, x: Any, h: Any) -> Any:
        y = x.transpose(0, 1)
        return self.lstm(y), self.unbiased(x, (h, h)), self.gru(x)[0], self.tanh(x), self.relu(x[:, 0])


class Others(nn.Module):
    """What ONNX has no layer for: a projection, shared weights, cells."""

    def __init__(self) -> None:
        super().__init__()
        self.projected = nn.LSTM(FEATURES, HIDDEN, 2, proj_size=4)
        self.shared = nn.GRU(FEATURES, HIDDEN)
        self.lstm, self.gru = nn.LSTMCell(FEATURES, HIDDEN), nn.GRUCell(FEATURES, HIDDEN, bias=False)
        self.rnn = nn.RNNCell(FEATURES, HIDDEN, nonlinearity="relu")

    def forward(self, x: Any) -> Any:
        h, c = self.lstm(x[0])
        for i in range(1, 3):
            h, c = self.lstm(x[i], (h, c))
        return (
            self.projected(x),
            self.shared(x)[0] + self.shared(x.flip(0))[0],
            self.gru(x[0], h),
            self.rnn(x[0]),
            c,
        )


LAYERS = STEPS * BATCH * (weights(4, 2, 2) + weights(4) + weights(3, 2) + weights(1, 1, 2)) + STEPS * weights(1)

OTHERS = STEPS * BATCH * (weights(4, 2, 1, 4) + 2 * weights(3)) + BATCH * (3 * weights(4) + weights(3) + weights(1))

PROGRAMS = {
    "layers": Program(
        Layers, lambda: (torch.empty(STEPS, BATCH, FEATURES), torch.empty(1, BATCH, HIDDEN)), macs=LAYERS
    ),
    "open": Program(
        lambda: nn.LSTM(FEATURES, HIDDEN, 2, batch_first=True),
        lambda: (torch.empty(BATCH, STEPS, FEATURES),),
        {"input": {0: torch.export.Dim("batch")}},
        macs=STEPS * BATCH * weights(4, 2),
    ),
    "others": Program(Others, lambda: (torch.empty(STEPS, BATCH, FEATURES),), macs=OTHERS),
}
