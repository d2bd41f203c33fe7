"""Parts of an enrolment: which photographs pass, the models that embed the faces, and what is written."""
