"""Rate limits of the model providers: no model is called faster than its limits allow, over all workers together."""
