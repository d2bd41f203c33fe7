"""The caller may not do this, or not now."""

from indexer.errors.base import GemelError


class NotAuthenticated(GemelError):
    code = "not_authenticated"


class RateLimited(GemelError):
    """Its details name the limit, and the seconds after which a request may succeed."""

    code = "rate_limited"

    def __init__(self, message: str, *, policy: str, limit: float, retry_after_s: int) -> None:
        super().__init__(message, policy=policy, limit=limit, retry_after_s=retry_after_s)
        self.policy = policy
        self.retry_after_s = retry_after_s


class PermissionDenied(GemelError):
    code = "permission_denied"


class AttributeNotPermitted(GemelError):
    code = "attribute_not_permitted"


class CrossSite(GemelError):
    code = "cross_site"


class CsrfTokenInvalid(GemelError):
    code = "csrf_token_invalid"


class HostNotAllowed(GemelError):
    code = "host_not_allowed"
