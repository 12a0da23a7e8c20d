"""Code that `taxiway` writes for a user: a new project, and entities and routes in an existing one."""
