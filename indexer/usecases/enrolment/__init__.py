"""Parts of an enrolment: the models that embed the faces, and what its transaction writes."""
