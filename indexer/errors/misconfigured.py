"""The operator must fix it; the caller cannot."""

from indexer.errors.base import GemelError


class Misconfigured(GemelError):
    code = "misconfigured"


class WeightsMissing(Misconfigured):
    code = "weights_missing"


class WeightsDamaged(Misconfigured):
    code = "weights_damaged"


class ModelUnknown(Misconfigured):
    code = "model_unknown"


class ModelUnavailable(Misconfigured):
    code = "model_unavailable"


class ModelNotCalibrated(Misconfigured):
    code = "model_not_calibrated"


class CardUnusable(Misconfigured):
    code = "card_unusable"
