"""Processes that can be killed. They are forked from one that has imported what takes seconds to import."""

from multiprocessing import get_context

context = get_context("forkserver")
context.set_forkserver_preload(["tests.support.faults.node", "tests.support.faults.reindex_worker"])
