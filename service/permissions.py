"""What each operation of the API needs. The only place that says so; a test walks the OpenAPI document."""

from dataclasses import dataclass
from enum import StrEnum

from indexer.access.roles import Permission


class GalleryAt(StrEnum):
    """Where a request names the gallery that it is about."""

    PATH = "path"
    QUERY = "query"
    """Optional: a list shows only what the key may see."""
    BODY = "body"
    """Checked by the route, after the body is read."""
    JOB = "job"
    """The gallery of the re-index job in the path; checked by the route."""
    LIST = "list"
    """A list, which the route shortens to what the key may see."""
    EVENT = "event"
    """The gallery of the audit event in the path; checked by the route."""
    NONE = "none"
    """About no gallery."""
    EVERY = "every"
    """About all galleries at once: only for keys without gallery patterns."""


@dataclass(frozen=True, slots=True)
class Rule:
    permission: Permission | None
    """None: any valid key."""
    gallery: GalleryAt


_ANY = None
_K, _O, _E, _I, _V, _R = (
    Permission.KEYS,
    Permission.OPERATE,
    Permission.ENROL,
    Permission.IDENTIFY,
    Permission.VERIFY,
    Permission.READ,
)

OPEN = frozenset({"get_health", "get_readiness"})
"""Operations without authentication."""

RULES: dict[str, Rule] = {
    "get_metrics": Rule(_R, GalleryAt.EVERY),
    "list_errors": Rule(_R, GalleryAt.EVERY),
    "examine": Rule(_R, GalleryAt.EVERY),
    "list_models": Rule(_R, GalleryAt.NONE),
    "create_gallery": Rule(_O, GalleryAt.BODY),
    "list_galleries": Rule(_R, GalleryAt.LIST),
    "get_gallery": Rule(_R, GalleryAt.PATH),
    "get_fpir_check": Rule(_R, GalleryAt.PATH),
    "get_calibration": Rule(_R, GalleryAt.PATH),
    "calibrate_gallery": Rule(_O, GalleryAt.PATH),
    "preview_policy": Rule(_R, GalleryAt.PATH),
    "update_gallery": Rule(_O, GalleryAt.PATH),
    "delete_gallery": Rule(_O, GalleryAt.PATH),
    "export_gallery": Rule(Permission.EXPORT, GalleryAt.PATH),
    "create_transfer": Rule(Permission.EXPORT, GalleryAt.PATH),
    "list_transfers": Rule(_R, GalleryAt.PATH),
    "get_transfer": Rule(_R, GalleryAt.PATH),
    "put_transfer_file": Rule(Permission.EXPORT, GalleryAt.PATH),
    "cancel_transfer": Rule(Permission.EXPORT, GalleryAt.PATH),
    "enrol": Rule(_E, GalleryAt.PATH),
    "list_identities": Rule(_R, GalleryAt.PATH),
    "get_identity": Rule(_R, GalleryAt.PATH),
    "update_identity": Rule(_E, GalleryAt.PATH),
    "delete_identity": Rule(_E, GalleryAt.PATH),
    "get_identity_by_external_id": Rule(_R, GalleryAt.PATH),
    "put_identity_by_external_id": Rule(_E, GalleryAt.PATH),
    "update_identity_by_external_id": Rule(_E, GalleryAt.PATH),
    "delete_identity_by_external_id": Rule(_E, GalleryAt.PATH),
    "add_faces": Rule(_E, GalleryAt.PATH),
    "add_faces_by_external_id": Rule(_E, GalleryAt.PATH),
    "list_faces": Rule(_R, GalleryAt.PATH),
    "delete_face": Rule(_E, GalleryAt.PATH),
    "get_face_crop": Rule(_R, GalleryAt.PATH),
    "list_visitors": Rule(_R, GalleryAt.PATH),
    "forget_visitors": Rule(_E, GalleryAt.PATH),
    "list_sightings": Rule(Permission.AUDIT, GalleryAt.PATH),
    "merge_identities": Rule(_E, GalleryAt.PATH),
    "split_identity": Rule(_E, GalleryAt.PATH),
    "move_face": Rule(_E, GalleryAt.PATH),
    "list_people_changes": Rule(_R, GalleryAt.PATH),
    "undo_people_change": Rule(_E, GalleryAt.PATH),
    "create_import": Rule(_E, GalleryAt.PATH),
    "list_open_imports": Rule(_R, GalleryAt.LIST),
    "list_imports": Rule(_R, GalleryAt.PATH),
    "get_import": Rule(_R, GalleryAt.PATH),
    "add_import_files": Rule(_E, GalleryAt.PATH),
    "list_import_files": Rule(_R, GalleryAt.PATH),
    "get_import_picture": Rule(_R, GalleryAt.PATH),
    "finish_import": Rule(_E, GalleryAt.PATH),
    "cancel_import": Rule(_E, GalleryAt.PATH),
    "retry_import": Rule(_E, GalleryAt.PATH),
    "delete_import": Rule(_E, GalleryAt.PATH),
    "create_clustering": Rule(_E, GalleryAt.PATH),
    "list_clusterings": Rule(_R, GalleryAt.PATH),
    "get_clustering": Rule(_R, GalleryAt.PATH),
    "get_clustering_groups": Rule(_R, GalleryAt.PATH),
    "cancel_clustering": Rule(_E, GalleryAt.PATH),
    "undo_clustering": Rule(_E, GalleryAt.PATH),
    "create_duplicate_search": Rule(_E, GalleryAt.PATH),
    "list_duplicate_searches": Rule(_R, GalleryAt.PATH),
    "get_duplicate_search": Rule(_R, GalleryAt.PATH),
    "cancel_duplicate_search": Rule(_E, GalleryAt.PATH),
    "list_reviews": Rule(_R, GalleryAt.PATH),
    "get_review": Rule(_R, GalleryAt.PATH),
    "decide_same": Rule(_E, GalleryAt.PATH),
    "decide_different": Rule(_E, GalleryAt.PATH),
    "reopen_review": Rule(_E, GalleryAt.PATH),
    "identify": Rule(_I, GalleryAt.PATH),
    "identify_in_several": Rule(_I, GalleryAt.BODY),
    "identify_stream": Rule(_I, GalleryAt.PATH),
    "search": Rule(_I, GalleryAt.PATH),
    "verify": Rule(_V, GalleryAt.NONE),
    "verify_identity": Rule(_V, GalleryAt.PATH),
    "verify_identity_by_external_id": Rule(_V, GalleryAt.PATH),
    "draw_liveness_challenge": Rule(_V, GalleryAt.NONE),
    "check_liveness": Rule(_V, GalleryAt.NONE),
    "detect": Rule(_ANY, GalleryAt.NONE),
    "list_attributes": Rule(_ANY, GalleryAt.NONE),
    "list_samples": Rule(_ANY, GalleryAt.NONE),
    "get_sample": Rule(_ANY, GalleryAt.NONE),
    "list_indexes": Rule(_R, GalleryAt.QUERY),
    "rebuild_index": Rule(_O, GalleryAt.PATH),
    "verify_index": Rule(_O, GalleryAt.PATH),
    "plan_reindex": Rule(_O, GalleryAt.BODY),
    "start_reindex": Rule(_O, GalleryAt.BODY),
    "list_reindexes": Rule(_R, GalleryAt.QUERY),
    "explain_search": Rule(Permission.AUDIT, GalleryAt.EVENT),
    "replay_search": Rule(Permission.AUDIT, GalleryAt.EVENT),
    "get_probe_crop": Rule(Permission.AUDIT, GalleryAt.EVENT),
    "delete_probes": Rule(Permission.AUDIT, GalleryAt.EVENT),
    "dispute_match": Rule(_I, GalleryAt.EVENT),
    "withdraw_dispute": Rule(_I, GalleryAt.EVENT),
    "get_reindex": Rule(_R, GalleryAt.JOB),
    "get_reindex_comparison": Rule(_R, GalleryAt.JOB),
    "pause_reindex": Rule(_O, GalleryAt.JOB),
    "resume_reindex": Rule(_O, GalleryAt.JOB),
    "cancel_reindex": Rule(_O, GalleryAt.JOB),
    "activate_reindex": Rule(_O, GalleryAt.JOB),
    "roll_back_reindex": Rule(_O, GalleryAt.JOB),
    "clean_up_reindex": Rule(_O, GalleryAt.JOB),
    "list_audit_events": Rule(Permission.AUDIT, GalleryAt.EVERY),
    "get_audit_head": Rule(Permission.AUDIT, GalleryAt.EVERY),
    "get_audit_event": Rule(Permission.AUDIT, GalleryAt.EVERY),
    "create_session": Rule(_ANY, GalleryAt.NONE),
    "get_session": Rule(_ANY, GalleryAt.NONE),
    "delete_session": Rule(_ANY, GalleryAt.NONE),
    "create_key": Rule(_K, GalleryAt.NONE),
    "list_keys": Rule(_K, GalleryAt.NONE),
    "get_key": Rule(_K, GalleryAt.NONE),
    "update_key": Rule(_K, GalleryAt.NONE),
    "rotate_key": Rule(_K, GalleryAt.NONE),
    "revoke_key": Rule(_K, GalleryAt.NONE),
}
"""By `operation_id`."""

FORGOTTEN = Rule(_K, GalleryAt.EVERY)
"""For an operation without a rule, so that a missing row opens nothing; a test fails for it."""
