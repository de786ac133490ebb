"""Fourier transforms of every kind, and short-time ones."""

from __future__ import annotations

import torch
from arrangement import Each
from base import Program
from torch.export import Dim

TRANSFORMS = (
    lambda x: torch.fft.fft(x),
    lambda x: torch.fft.fft(x, 16, 1),
    lambda x: torch.fft.ifft(torch.fft.fft(x)),
    lambda x: torch.fft.rfft(x),
    lambda x: torch.fft.rfft(x, 5, -2),
    lambda x: torch.fft.irfft(torch.fft.rfft(x)),
    lambda x: torch.fft.irfft(torch.fft.rfft(x), 7),
    lambda x: torch.fft.hfft(torch.fft.ihfft(x)),
    lambda x: torch.fft.fft2(x),
    lambda x: torch.fft.ifft2(torch.fft.fft2(x, (4, 4)), dim=(0, 1)),
    lambda x: torch.fft.irfft2(torch.fft.rfft2(x, norm="ortho"), (8, 12), norm="ortho"),
    lambda x: torch.fft.rfftn(x),
    lambda x: torch.fft.fftn(x, dim=(0, 2)),
    lambda x: torch.fft.irfftn(torch.fft.rfftn(x, (4, 6)), (4, 6)),
    lambda x: torch.fft.fftshift(x),
    lambda x: torch.fft.ifftshift(x, 1),
)


def take_frames(x: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """A spectrogram, and the signal again."""
    window = torch.hann_window(16, device=x.device)
    spectrum = torch.stft(x, 16, 4, window=window, return_complex=True)
    pairs = torch.view_as_real(torch.stft(x, 16, center=False, return_complex=True))
    return spectrum.abs(), pairs, torch.istft(spectrum, 16, 4, window=window)


PROGRAMS = {
    "transforms": Program(lambda: Each(TRANSFORMS), lambda: (torch.empty(3, 8, 12),)),
    "symbolic": Program(
        lambda: Each((torch.fft.rfft2, lambda x: torch.fft.irfft(torch.fft.rfft(x)), lambda x: torch.fft.fft(x, 6))),
        lambda: (torch.empty(3, 8, 12),),
        (({0: Dim.AUTO, 1: Dim.AUTO, 2: Dim.AUTO},),),
    ),
    "frames": Program(lambda: Each((take_frames,)), lambda: (torch.empty(2, 64),), macs=0),
}
