"""Re-index: moves a gallery to another model while searches and enrolments go on.

A job goes through these states. Each entry names the code that does the work, `module` or `module.function`:

    (before)    `plan` estimates time and room on a sample of the stored crops
    embedding   `control.start` creates the job and its chunks of faces. From now on every enrolment is
                embedded with both models. Workers (`worker`) claim chunks (`claims`), embed the
                stored crops of their faces (`chunks`, `embed`) and record the vectors. `missing` adds
                chunks for faces that were enrolled without the new model. When no face lacks a vector of
                the new model, the job is in the next state.
    building    `steps.build`: one worker builds the new model's index and verifies it against PostgreSQL; or
                requests shards by the new model on the Ray cluster, and waits until they are verified
    comparing   `steps.compare`: both models search the gallery's own faces (`comparison.compare`), the
                result is judged by the acceptance criteria (`comparison.acceptance`), and the new model
                is calibrated
    ready       the job waits for an operator, who reads the comparison (`comparison.page`)
    active      `switch.activate` has switched the gallery to the new model; `switch.rollback` goes back to
                ready. New faces are still embedded with both models.
    cleaning    an operator called `control.cleanup`; `steps.clean` deletes the old model's embeddings and
                index
    done
    cancelling  an operator called `control.cancel`, possible in any state before active; `steps.clean`
                deletes the new model's embeddings and index
    cancelled

A failure stops the job in its state (`transitions.stop`) until an operator resumes it (`control.resume`).
Faces that turn out to lack a vector later take it back to embedding (`transitions.back_to_embedding`).
`status` reports a job. Jobs, chunks and leases are rows in PostgreSQL (`records.reindexes`), so any process
may be killed at any time without losing the job.
"""
