"""Kept crops of identified faces, and matches that somebody said to be wrong

Revision: 0022.
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in ("keep_probes", "has_disputes"):
        op.add_column("gallery", sa.Column(column, sa.Boolean, server_default=sa.false(), nullable=False))
    op.create_table(
        "audit_probe",
        sa.Column("event_id", sa.Uuid, primary_key=True),
        sa.Column("face", sa.SmallInteger, primary_key=True, autoincrement=False),
        _gallery(),
        sa.Column("face_id", sa.Uuid, sa.ForeignKey("face.id", ondelete="CASCADE")),
        sa.Column("crop", sa.LargeBinary, nullable=False),
        sa.Column("landmarks", sa.ARRAY(sa.REAL), nullable=False),
        _created_at(),
        sa.CheckConstraint("array_length(landmarks, 1) = 10", name="audit_probe_landmarks_check"),
    )
    op.create_index("audit_probe_face_id_idx", "audit_probe", ["face_id"])
    op.create_index("audit_probe_gallery_id_idx", "audit_probe", ["gallery_id", "created_at"])
    op.create_table(
        "dispute",
        sa.Column("id", sa.Uuid, primary_key=True),
        _gallery(),
        sa.Column("event_id", sa.Uuid, nullable=False),
        sa.Column("probe", sa.SmallInteger, nullable=False),
        sa.Column("face_id", sa.Uuid, sa.ForeignKey("face.id", ondelete="CASCADE"), nullable=False),
        sa.Column("identity_id", sa.Uuid, nullable=False),
        sa.Column("score", sa.REAL, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("disputed_by", sa.Text, nullable=False),
        _created_at(),
        sa.UniqueConstraint("event_id", "probe", "identity_id", name="dispute_match_key"),
    )
    for column in ("gallery_id", "face_id"):
        op.create_index(f"dispute_{column}_idx", "dispute", [column])


def downgrade() -> None:
    op.drop_table("dispute")
    op.drop_table("audit_probe")
    for column in ("has_disputes", "keep_probes"):
        op.drop_column("gallery", column)


def _gallery() -> sa.Column[object]:
    return sa.Column("gallery_id", sa.Uuid, sa.ForeignKey("gallery.id", ondelete="CASCADE"), nullable=False)


def _created_at() -> sa.Column[object]:
    return sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False)
