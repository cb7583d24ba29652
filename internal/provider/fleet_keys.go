package provider

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

// retireAgain deletes the keys that were left because a shop had them or could not be asked, where that
// is no longer so: the other shop, too, may have got another key by now. It returns the shops that
// can't leave the fleet: with each, the memory of a key that is still to be deleted would go.
func (f *fleet) retireAgain(ctx context.Context, c connections) shopFailures {
	var failures shopFailures
	for i, m := range f.members {
		m.retireAgain(ctx, c)
		if m.plan != nil {
			continue
		}
		// That another shop has the key leaves it to that shop.
		unsettled := slices.IndexFunc(m.kept, func(key keptKey) bool { return !key.isHeld() })
		if unsettled >= 0 {
			failures = append(failures, shopFailure{index: i, member: m, err: m.kept[unsettled].err})
			m.kept = nil
		}
	}
	return failures
}

func (m *fleetMember) retireAgain(ctx context.Context, c connections) {
	left := m.kept
	m.kept = nil
	for _, key := range left {
		if ctx.Err() != nil || !key.mayGoLater() {
			m.kept = append(m.kept, key)
			continue
		}
		m.memory.Unsettled = slices.DeleteFunc(m.memory.Unsettled, func(o kustom.Orphan) bool { return o == key.key })
		m.kept = append(m.kept, c.retire(ctx, []kustom.Orphan{key.key}, &m.memory)...)
	}
}

// mayGoLater tells whether it is for a shop that the key could not be deleted.
func (k keptKey) mayGoLater() bool { return k.isHeld() || isUnseen(k.err) }

func isUnseen(err error) bool {
	var unseen *rotation.UnseenError
	return errors.As(err, &unseen)
}

// fleetRetirer retires the keys of many shops, which may share them. Before a key is deleted, every shop
// that is not known is asked whether it holds it. One that can't be read is not known, and would be
// asked again for each key: for a thousand, this would take longer than all else. So it is asked for
// the first, and the others are left with the same reason. It is safe for concurrent use.
type fleetRetirer struct {
	connector

	mu sync.Mutex
	// retired are the keys that are gone, by credential ID.
	retired map[string]bool
	unseen  error
}

func newFleetRetirer(c connector) *fleetRetirer {
	return &fleetRetirer{connector: c, retired: map[string]bool{}}
}

// Retire deletes a key, unless a shop holds it or can't be asked.
func (r *fleetRetirer) Retire(ctx context.Context, key kustom.Orphan) error {
	if known, err := r.recall(key); known {
		return err
	}
	err := r.connector.Retire(ctx, key)
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err == nil && key.CredentialID != "":
		r.retired[key.CredentialID] = true
	case isUnseen(err) && ctx.Err() == nil:
		r.unseen = err
	}
	return err
}

func (r *fleetRetirer) recall(key kustom.Orphan) (known bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.retired[key.CredentialID] {
		return true, nil
	}
	var unseen *rotation.UnseenError
	if key.Username == "" || !errors.As(r.unseen, &unseen) {
		return false, nil
	}
	return true, &rotation.UnseenError{Username: key.Username, Cause: unseen.Cause}
}

// askAgain forgets that a shop could not be asked.
func (r *fleetRetirer) askAgain() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.unseen = nil
}
