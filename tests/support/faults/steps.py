"""Where a process is killed: `module:name:before` or `:after`, by what it is doing there."""

COMMIT = "sqlalchemy.engine.default:DefaultDialect.do_commit"
STEPS = {
    "enrol": [
        "indexer.records.galleries:lock:after",
        "indexer.records.enrolled.new_identities:insert:after",
        "indexer.records.enrolled.faces:add_to_several:after",
        "indexer.records.changes:append_several:before",
        "indexer.records.changes:append_several:after",
        f"{COMMIT}:before",
        f"{COMMIT}:after",
        "indexer.index.live:LiveIndex.apply:before",
        "indexer.index.live:LiveIndex.apply:after",
    ],
    "photograph": [
        "indexer.records.enrolled.faces:add_to_several:after",
        "indexer.records.enrolled.person_templates:replace_by_identity:after",
        "indexer.records.changes:append_several:after",
        f"{COMMIT}:before",
        f"{COMMIT}:after",
        "indexer.records.enrolled.template_vectors:read:after",
        "indexer.index.live:LiveIndex.apply:before",
    ],
    "delete": [
        "indexer.records.enrolled.person_templates:remove:after",
        "indexer.records.enrolled.identities:remove:after",
        "indexer.records.changes:append:after",
        f"{COMMIT}:before",
        f"{COMMIT}:after",
        "indexer.index.live:LiveIndex.apply:before",
    ],
    "rebuild": [
        "indexer.records.galleries:request_rebuild:after",
        "indexer.records.enrolled.contents:read_enrolled:after",
        "indexer.replica.store.database_copy:build:after",
        "indexer.index.snapshots:write_index:after",
        "indexer.index.snapshots:write_manifest:after",
        "os:rename:before",
        "os:rename:after",
        "indexer.index.snapshots:SnapshotStore.prune:before",
        "shutil:rmtree:before",
    ],
    "start": [
        "indexer.index.snapshots:check_file:after",
        "faiss:read_index:before",
        "faiss:read_index:after",
        "indexer.index.snapshots:SnapshotStore.load:after",
        "indexer.records.changes:read_after:after",
        "indexer.index.live:LiveIndex.apply:before",
        "indexer.index.live:LiveIndex.apply:after",
    ],
    "swap": [
        "indexer.records.enrolled.contents:read_enrolled:after",
        "indexer.replica.store:IndexStore.open:after",
        "indexer.replica.gallery_index:GalleryIndex.swap:before",
        "indexer.replica.gallery_index:GalleryIndex.swap:after",
    ],
}
