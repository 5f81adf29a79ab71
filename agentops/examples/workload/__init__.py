"""An example app: the agent of a recorded workload, its policy and its tools read from a folder."""
