"""The colors of the book, one meaning each, shared by every figure and the widget.

Node colors are the deck's. Sign is shown on one diverging scale, blue for positive and orange for
negative, a pair that color-blind readers can tell apart; color is never the only sign of anything.

This module is a leaf: constants only, as CSS hex codes.
"""

from __future__ import annotations

#: an input of the network
INPUT = "#45818e"
#: a hidden unit
HIDDEN = "#b0b0b0"
#: an output of the network
OUTPUT = "#ffab40"
#: a bias node, the constant 1
BIAS = "#fff2cc"

#: positive weights and values
POSITIVE = "#2166ac"
#: the middle of the diverging scale
ZERO = "#d9d9d9"
#: negative weights and values
NEGATIVE = "#d95f02"

#: the two signs dark enough for text on white (contrast above 6)
POSITIVE_TEXT = "#1b5590"
NEGATIVE_TEXT = "#9c4300"

#: what the network computes
NETWORK = "#5e3c99"
#: what it should compute (drawn dashed)
TARGET = "#222222"

#: text and outlines on white, secondary text, hairlines, background
INK = "#222222"
MUTED = "#5f6368"
HAIRLINE = "#d0d3d6"
PAPER = "#ffffff"

#: highlighter colors of circuits in a network drawing, told apart in grayscale by their letters
GROUPS = ("#f2c14e", "#7cc6b0", "#b9a3e3", "#e79aa6", "#8fb8de", "#b7b56b")

#: colors of a few curves in one plot; each has its own dashes too
CURVES = ("#2166ac", "#d95f02", "#1b7f5c", "#a64d79", "#8a6d00", "#4a4a4a")
