"""The pages and the REST API: one process that reads every experiment and changes none."""
