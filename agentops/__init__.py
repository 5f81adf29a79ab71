"""The project: settings, wiring, the demo, the offline model and the example apps."""
