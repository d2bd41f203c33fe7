"""Re-index: takes a gallery from one model to another while it is searched and enrolled into.

A job goes through these states; each line names the module that does the work:

    (before)    `plan` estimates time and room on a sample of the stored crops
    embedding   `control.start` creates the job and its chunks of faces. From now on every enrolment is
                embedded with both models. Workers (`worker`) claim chunks (`claims`), embed their stored
                crops (`chunks`, `embed`) and record the vectors. `missing` adds chunks for faces that were
                enrolled without the new model, and ends the state when there are none.
    building    `steps.build`: one worker builds the new model's index and verifies it against PostgreSQL
    comparing   `steps.compare`: both models search the gallery's own faces (`comparison.compare`), the
                acceptance criteria are judged (`comparison.acceptance`), the new model is calibrated
    ready       the job waits for an operator, who reads the comparison (`comparison.page`)
    active      `switch.activate` has switched the gallery to the new model; `switch.rollback` goes back to
                ready. New faces are still embedded with both models.
    cleaning    `control.cleanup`; `steps.clean` deletes the old model's embeddings and index
    done
    cancelling  `control.cancel`, in any state before active; `steps.clean` deletes the new model's
    cancelled

A failure stops the job (`transitions.stop`) until an operator resumes it (`control.resume`). `status` reports
a job. The jobs, chunks and leases are rows in PostgreSQL (`records.reindexes`), so every process may be
killed at any time.
"""
