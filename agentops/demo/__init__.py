"""The demo: the whole product on this machine, with a support desk and an offline model."""
