"""What every request passes before a route: request ids, access, origins, admission, body limits."""
