"""Galleries, identities, faces, embeddings and their changes

Revision: 0001, the first.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "model",
        sa.Column("id", sa.SmallInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("dimension", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("dimension > 0", name="model_dimension_check"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("fingerprint"),
    )
    op.create_table(
        "gallery",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("store_crops", sa.Boolean(), nullable=False),
        sa.Column("change_number", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("face_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("name ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$'", name="gallery_name_check"),
        sa.CheckConstraint("change_number >= 0", name="gallery_change_number_check"),
        sa.CheckConstraint("face_count >= 0", name="gallery_face_count_check"),
        sa.Column("model_id", sa.SmallInteger(), nullable=True),
        sa.ForeignKeyConstraint(["model_id"], ["model.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "change",
        sa.Column("gallery_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("face_key", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kind IN ('enrol', 'delete')", name="change_kind_check"),
        sa.CheckConstraint("number > 0", name="change_number_check"),
        sa.ForeignKeyConstraint(["gallery_id"], ["gallery.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("gallery_id", "number"),
    )
    op.create_table(
        "identity",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("gallery_id", sa.Uuid(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("metadata", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("jsonb_typeof(metadata) = 'object'", name="identity_metadata_check"),
        sa.CheckConstraint("char_length(external_id) BETWEEN 1 AND 255", name="identity_external_id_check"),
        sa.CheckConstraint("char_length(name) BETWEEN 1 AND 255", name="identity_name_check"),
        sa.ForeignKeyConstraint(["gallery_id"], ["gallery.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("gallery_id", "external_id", name="identity_external_id_key"),
    )
    op.create_index("identity_gallery_id_idx", "identity", ["gallery_id", "id"], unique=False)
    op.create_table(
        "face",
        sa.Column("key", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("identity_id", sa.Uuid(), nullable=False),
        sa.Column("box", sa.ARRAY(sa.REAL()), nullable=False),
        sa.Column("landmarks", sa.ARRAY(sa.REAL()), nullable=False),
        sa.Column("confidence", sa.REAL(), nullable=False),
        sa.Column("quality", sa.REAL(), nullable=False),
        sa.Column("quality_components", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("image_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("crop", sa.LargeBinary(), nullable=True),
        sa.Column("crop_landmarks", sa.ARRAY(sa.REAL()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("(crop IS NULL) = (crop_landmarks IS NULL)", name="face_crop_check"),
        sa.CheckConstraint("array_length(box, 1) = 4", name="face_box_check"),
        sa.CheckConstraint("array_length(crop_landmarks, 1) = 10", name="face_crop_landmarks_check"),
        sa.CheckConstraint("array_length(landmarks, 1) = 10", name="face_landmarks_check"),
        sa.CheckConstraint("octet_length(image_sha256) = 32", name="face_image_sha256_check"),
        sa.CheckConstraint("quality BETWEEN 0 AND 100", name="face_quality_check"),
        sa.ForeignKeyConstraint(["identity_id"], ["identity.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("key"),
        sa.UniqueConstraint("id"),
        sa.UniqueConstraint("identity_id", "image_sha256", name="face_image_key"),
    )
    op.create_table(
        "embedding",
        sa.Column("face_key", sa.BigInteger(), nullable=False),
        sa.Column("model_id", sa.SmallInteger(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("octet_length(vector) % 4 = 0", name="embedding_vector_check"),
        sa.ForeignKeyConstraint(["face_key"], ["face.key"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["model_id"],
            ["model.id"],
        ),
        sa.PrimaryKeyConstraint("face_key", "model_id"),
    )


def downgrade() -> None:
    op.drop_table("embedding")
    op.drop_table("face")
    op.drop_index("identity_gallery_id_idx", table_name="identity")
    op.drop_table("identity")
    op.drop_table("change")
    op.drop_table("gallery")
    op.drop_table("model")
