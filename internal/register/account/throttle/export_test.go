package throttle

// Entries tells how many pairs and addresses are kept.
func (t *Throttle) Entries() (pairs, addresses int) { return len(t.pairs), len(t.addresses) }
