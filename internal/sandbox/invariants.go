package sandbox

import (
	"fmt"
	"slices"
	"time"
)

// ViolationKind is the kind of a violation.
type ViolationKind string

// The kinds of violations. The sandbox checks every call of an API or page, but not the methods that stand for a
// person.
const (
	// ViolationContract: a request broke the contract.
	ViolationContract ViolationKind = "contract"
	// ViolationSandboxContract: the sandbox's own answer broke the contract.
	ViolationSandboxContract ViolationKind = "sandbox contract"
	// ViolationUnknownKey: an installed pair has an unknown key.
	ViolationUnknownKey ViolationKind = "installed unknown key"
	// ViolationWrongSecret: an installed pair has a wrong secret.
	ViolationWrongSecret ViolationKind = "installed wrong secret"
	// ViolationNotAccepted: the merchant API does not accept an installed pair, or not yet.
	ViolationNotAccepted ViolationKind = "installed key not accepted"
	// ViolationWrongStore: a key was installed in a shop of another store.
	ViolationWrongStore ViolationKind = "installed key of another store"
	// ViolationKeyInUse: a key was deleted while a shop had its username.
	ViolationKeyInUse ViolationKind = "deleted key in use"
	// ViolationShopStopped: a shop stopped taking payments.
	ViolationShopStopped ViolationKind = "shop stopped"
	// ViolationShopCleared: a shop stopped taking payments because its credentials were cleared.
	ViolationShopCleared ViolationKind = "shop cleared"
	// ViolationIdempotencyReuse: an Idempotency-Key was used for another request.
	ViolationIdempotencyReuse ViolationKind = "idempotency key reused"
	// ViolationSecretInURL: a URL had a secret in it.
	ViolationSecretInURL ViolationKind = "secret in URL"
	// ViolationLeftEnvironment: somebody pressed the button that leads to Kustom's other environment.
	ViolationLeftEnvironment ViolationKind = "left the environment"
	// ViolationMisdirectedToken: a token was sent to the wrong API.
	ViolationMisdirectedToken ViolationKind = "misdirected token"
)

// Violation is a broken invariant, with its time.
type Violation struct {
	Time   time.Time     `json:"time"`
	Kind   ViolationKind `json:"kind"`
	Detail string        `json:"detail"` // holds no secret
}

// String returns the violation on one line.
func (v Violation) String() string { return fmt.Sprintf("%s: %s", v.Kind, v.Detail) }

// Violations returns all violations so far, oldest first.
func (s *Sandbox) Violations() []Violation {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.violations)
}

func (s *Sandbox) violate(kind ViolationKind, format string, args ...any) {
	s.violations = append(s.violations, Violation{Time: s.now(), Kind: kind, Detail: fmt.Sprintf(format, args...)})
}

// watchInstall checks a pair before its installation.
func (s *Sandbox) watchInstall(sh *Shop, kustomID, kustomSecret string) {
	k := s.state.keyByUsername[kustomID]
	if k == nil {
		s.violate(ViolationUnknownKey, "shop %s: the Kustom ID is no key's username", sh.Name)
		return
	}
	if k.Secret != kustomSecret {
		s.violate(ViolationWrongSecret, "shop %s, key %s", sh.Name, k.Username)
		return
	}
	if !s.accepts(k) {
		s.violate(ViolationNotAccepted, "shop %s, key %s at %s", sh.Name, k.Username, k.Host)
	}
	if sh.MerchantID != "" && sh.MerchantID != k.MerchantID {
		s.violate(ViolationWrongStore, "shop %s of store %s, key %s", sh.Name, sh.MerchantID, k.Username)
	}
}

// watchDelete checks a key before its deletion.
func (s *Sandbox) watchDelete(k *key) {
	for _, sh := range s.holders(k) {
		s.violate(ViolationKeyInUse, "shop %s holds key %s", sh.Name, k.Username)
	}
}

func (s *Sandbox) holders(k *key) []*Shop {
	var holders []*Shop
	for _, sh := range s.state.shops {
		if sh.KustomID == k.Username {
			holders = append(holders, sh)
		}
	}
	return holders
}

// watchPayments makes a change, and records which of the shops stop taking payments.
func (s *Sandbox) watchPayments(shops []*Shop, change func()) {
	before := slices.DeleteFunc(slices.Clone(shops), func(sh *Shop) bool {
		_, err := s.paymentKey(sh)
		return err != nil
	})
	change()
	for _, sh := range before {
		_, err := s.paymentKey(sh)
		if err == nil {
			continue
		}
		kind := ViolationShopStopped
		if sh.KustomID == "" {
			kind = ViolationShopCleared
		}
		s.violate(kind, "shop %s: %v", sh.Name, err)
	}
}

// watchSecrets looks for misplaced secrets.
func (s *Sandbox) watchSecrets(c *call) {
	if c.secretInURL() {
		s.violate(ViolationSecretInURL, "%s %s %s", c.record.API, c.record.Method, c.record.Template)
	}
	token := bearer(c.http.Header)
	if token == "" {
		return
	}
	_, isUser := s.state.userByToken[token]
	_, isShop := s.state.shopByToken[token]
	if (isUser && c.mount.api != Portal) || (isShop && c.mount.api != Mystore) {
		s.violate(ViolationMisdirectedToken, "%s %s %s", c.record.API, c.record.Method, c.record.Template)
	}
}
