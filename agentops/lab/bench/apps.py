"""The app: installed when `AGENTOPS_BENCH=1`, in the processes that `bench` starts."""

from django.apps import AppConfig


class BenchConfig(AppConfig):
    """The job types that `bench` runs."""

    name = "agentops.lab.bench"
    label = "bench"
    verbose_name = "Bench"
