-- Webhooks: what was told and what was answered is only ever added to; a delivery changes and is never removed.

REVOKE UPDATE, DELETE, TRUNCATE ON webhook_events, webhook_attempts FROM quittance_app;
REVOKE DELETE, TRUNCATE ON webhook_deliveries FROM quittance_app;
