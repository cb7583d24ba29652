package provider

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

// keysPlanned returns a plan's text about keys. Text says which are deleted and which stay.
func keysPlanned(p rotation.Plan, text string) message {
	if len(p.Delete) == 0 {
		return keysStay(text)
	}
	return keysDeleted(text)
}

// describeDeletions describes the keys that a plan deletes now and later; empty if it deletes none. Terraform's
// "0 to destroy" does not count them.
func describeDeletions(p rotation.Plan) string {
	var now, later []string
	for _, key := range p.Delete {
		if key.WaitsFor != "" {
			later = append(later, key.Username)
		} else {
			now = append(now, keyName(key))
		}
	}
	var parts []string
	if len(now) > 0 {
		parts = append(parts, fmt.Sprintf("%s will be deleted: %s", count(len(now), "key"), enumerate(now)))
	}
	if len(later) > 0 {
		parts = append(parts, fmt.Sprintf("%s will be deleted by a later apply, when the portal shows no use: %s",
			count(len(later), "key"), enumerate(later)))
	}
	if len(p.OtherKeys) > 0 {
		parts = append(parts, fmt.Sprintf("%s of the store %s as before: %s", count(len(p.OtherKeys), "other key"), verb(len(p.OtherKeys), "stays", "stay"),
			enumerate(p.OtherKeys)))
	}
	return strings.Join(parts, "; ")
}

// describeBlocked says which keys the apply will keep although the plan deletes them; empty if there are none.
// Blocked and by are the results of [rotation.Shops.Blocked]. Ways says what to do if no shop can be asked.
func describeBlocked(blocked []rotation.KeyRef, by []string, ways string) string {
	if len(blocked) == 0 {
		return ""
	}
	var names []string
	for _, key := range blocked {
		names = append(names, keyName(key))
	}
	kept := fmt.Sprintf("The apply will not delete %s", enumerate(names))
	theKeys := verb(len(blocked), "the key", "the keys")
	if len(by) == 0 {
		return fmt.Sprintf("%s, because the provider can't ask any shop whether it uses %s. %s", kept, theKeys, ways)
	}
	shops, theShops := verb(len(by), "shop", "shops"), verb(len(by), "this shop", "these shops")
	return fmt.Sprintf("%s while %s %s can't be read, because %s may use %s. A shop that another resource assigns to another store does not count. "+
		"With unused_for, the apply still deletes a key that was unused for that time. Run terraform-provider-kustom check to see what is wrong with "+
		"%s. If a shop is closed, add it to the provider's ignored_shops.",
		kept, shops, enumerate(by), theShops, theKeys, theShops)
}

// reportKeptKeys reports keys that could not be deleted: once for all that stay because of the same unreadable
// shops, which may be hundreds. In an update, a failure is an error if this run does not try again: Terraform
// keeps the new state then, and replaces nothing. After an error in a creation, Terraform would replace the
// shop's new key.
func reportKeptKeys(diags *diag.Diagnostics, kept []rotation.PendingKey, updates bool) {
	var groups [][]rotation.PendingKey
	unread := map[string]int{}
	for _, key := range kept {
		var unknown *rotation.KeyUsageUnknownError
		if !errors.As(key.Err, &unknown) || len(unknown.Shops) == 0 {
			groups = append(groups, []rotation.PendingKey{key})
			continue
		}
		shops := strings.Join(unknown.Shops, ", ")
		i, ok := unread[shops]
		if !ok {
			i = len(groups)
			unread[shops], groups = i, append(groups, nil)
		}
		groups[i] = append(groups[i], key)
	}
	for _, group := range groups {
		describeGroup(group, updates).addTo(diags, path.Empty())
	}
}

// describeGroup describes keys that stay for one reason.
func describeGroup(group []rotation.PendingKey, updates bool) message {
	first, more := group[0], []string(nil)
	for _, key := range group[1:] {
		more = append(more, cmp.Or(key.Key.Username, key.Key.CredentialID))
	}
	m := describeKept(first.Shop, first.KeptKey)
	if len(more) > 0 {
		m.details = paragraphs(m.details, fmt.Sprintf("The same applies to %s: %s.", count(len(more), "more key"), enumerate(more)))
	}
	if updates && first.IsFailure() {
		return m.asError()
	}
	return m
}

// describeKept describes a key that could not be deleted.
func describeKept(shop string, kept rotation.KeptKey) message {
	name := keyName(rotation.KeyRef{Username: kept.Key.Username, CredentialID: kept.Key.CredentialID})
	if shops := inUseBy(kept.Err); len(shops) > 0 {
		return replacedKeyStillInUse(name, shop, strings.Join(shops, ", "))
	}
	again := "The next apply tries again."
	if kept.IsRetryable() {
		again = "The rest of this run and the next apply try again."
	}
	return replacedKeyNotDeleted(shop, name, again, paragraphs(advise(kept.Err).detail(), describeCause(kept.Err)))
}
