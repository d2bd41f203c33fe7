"""Bodies of requests and answers, as the OpenAPI document shows them."""

MODEL_EXAMPLE = "sface-362d7b7bf528"
ID_EXAMPLE = "019ab3c0-6f6e-7c4e-9d0e-0b6f6f3d2a11"
TIMINGS_EXAMPLE = {"decode": 3.1, "detect": 11.2, "align": 0.4, "embed": 27.9, "total": 44.0}
