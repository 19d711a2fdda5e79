"""An operator's command line: lists, deletes, purges, and looks whether all is well. Runs in any service's image."""
