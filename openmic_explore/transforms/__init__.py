"""What there is to see: pure functions from samples to arrays."""

from openmic_explore.transforms.log_mel import log_mel
from openmic_explore.transforms.scalogram import Scalogram, scalogram

__all__ = ["Scalogram", "log_mel", "scalogram"]
