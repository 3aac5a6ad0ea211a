"""Ground for all: money, time, ids, transactions, access, jobs. Knows no noun of the business."""
