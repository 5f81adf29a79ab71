"""Rate limits of model providers: across all workers, no model is called faster than its limits allow."""
