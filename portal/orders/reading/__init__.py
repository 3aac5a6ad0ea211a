"""What pages and calls read of orders; nothing here writes."""
