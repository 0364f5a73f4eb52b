"""2x2 max-pooling that is quick for few channels.

PyTorch's own works along the channels; with the CNN's 8 or 16 it leaves most of a vector unused, and takes a third of
a training step. In channels_last format, rows and whole pixels lie together, and can be compared and copied at length.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

relu_backward = torch.ops.aten.threshold_backward


def max_pool(x: Tensor) -> Tensor:
    """2x2 max-pooling without overlap: (B, C, H, W) -> (B, C, H // 2, W // 2), an odd last row or column left out.

    The values of `torch.nn.functional.max_pool2d(x, 2)`, and its gradients but for ties: among equal values the gradient
    goes to one of them, not always to the same as there.
    """
    if x.device.type == "cpu" and x.requires_grad and x.is_contiguous(memory_format=torch.channels_last):
        return _MaxPool.apply(x)
    return torch.nn.functional.max_pool2d(x, 2)


class _MaxPool(torch.autograd.Function):
    """Rows in pairs, then columns in pairs, on pixels (B, H, W, C)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        pixels = x.permute(0, 2, 3, 1)  # (B, C, H, W) -> (B, H, W, C), contiguous
        height, width = pixels.shape[1] // 2 * 2, pixels.shape[2] // 2 * 2
        rows = torch.maximum(pixels[:, 0:height:2], pixels[:, 1:height:2])  # (B, H / 2, W, C)
        left, right = (_copy(rows[:, :, first:width:2]) for first in (0, 1))  # (B, H / 2, W / 2, C)
        best = torch.maximum(left, right)
        ctx.save_for_backward(pixels, rows, left, best)
        return best.permute(0, 3, 1, 2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        pixels, rows, left, best = ctx.saved_tensors
        height, width = pixels.shape[1] // 2 * 2, pixels.shape[2] // 2 * 2
        gradient = gradient.permute(0, 2, 3, 1).contiguous()
        # ReLU's own backward, the gradient where a difference is above 0, is many times faster than to compare and mask.
        to_right = relu_backward(gradient, best - left, 0)
        to_rows = torch.empty_like(rows)
        _wide(to_rows[:, :, 0:width:2]).copy_(_wide(gradient - to_right))
        _wide(to_rows[:, :, 1:width:2]).copy_(_wide(to_right))
        to_rows[:, :, width:] = 0
        result = torch.empty_like(pixels)
        behind = rows - pixels[:, 0:height:2]
        to_lower = relu_backward.grad_input(to_rows, behind, 0, grad_input=result[:, 1:height:2])
        torch.sub(to_rows, to_lower, out=result[:, 0:height:2])
        result[:, height:] = 0
        return result.permute(0, 3, 1, 2)


def _wide(pixels: Tensor) -> Tensor:
    """The same memory in pieces of 16 bytes where the channels allow: to be copied, not reckoned with."""
    size = pixels.shape[-1] * pixels.element_size()
    return pixels.view(torch.complex128) if size % 16 == 0 else pixels


def _copy(pixels: Tensor) -> Tensor:
    return _wide(pixels).contiguous().view(pixels.dtype)
