"""The back office's pages about the shop. Those about people and keys are in `storefront.staff`."""
