package provider

import (
	"context"
	"fmt"
	"strings"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

// limitReachedError says that a store may have no further key, and which of its keys nobody seems
// to need.
type limitReachedError struct {
	merchantID string
	unused     []kustom.Key
	cause      error
}

func (e *limitReachedError) Error() string { return e.cause.Error() }

func (e *limitReachedError) Unwrap() error { return e.cause }

func (e *limitReachedError) advice() string {
	const remove = "in Kustom Portal under Integrations (three dots → Delete API key), then run again."
	if len(e.unused) == 0 {
		return fmt.Sprintf("Store %s has as many API keys as it may have, and each of them has been used. Delete one that is no "+
			"longer needed %s", e.merchantID, remove)
	}
	lines := make([]string, 0, len(e.unused))
	for _, key := range e.unused {
		lines = append(lines, fmt.Sprintf("  - %s (%s, made %s)", key.Username, key.Host, key.CreatedAt.Format("2006-01-02")))
	}
	return fmt.Sprintf("Store %s has as many API keys as it may have. These have never been used:\n\n%s\n\nDelete one that is no "+
		"longer needed %s", e.merchantID, strings.Join(lines, "\n"), remove)
}

// withUnusedKeys adds to a refusal for too many keys which of them could go. Any other error it
// returns as it is.
func withUnusedKeys(ctx context.Context, keys keyLister, merchantID string, err error) error {
	if !kustom.IsLimitReached(err) {
		return err
	}
	full := &limitReachedError{merchantID: merchantID, cause: err}
	for key, listErr := range keys.Keys(ctx, merchantID) {
		if listErr != nil {
			return err
		}
		if key.LastUsedAt == nil {
			full.unused = append(full.unused, key)
		}
	}
	return full
}
