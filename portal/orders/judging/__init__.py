"""Risk as orders meet it: facts collected, verdicts carried out, past orders judged again."""
