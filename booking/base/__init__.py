"""What every package stands on: database, clock, periods, errors, events and the audit trail."""
