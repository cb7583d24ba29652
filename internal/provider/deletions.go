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

// keysPlanned returns what a plan says of keys: text says which go and which stay.
func keysPlanned(p rotation.Plan, text string) message {
	if len(p.Delete) == 0 {
		return keysStay(text)
	}
	return keysDeleted(text)
}

// describeDeletions tells of the keys that a plan deletes, and of those that it deletes later; empty where it
// deletes none. Terraform's "0 to destroy" does not count them.
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
	if len(p.Others) > 0 {
		parts = append(parts, fmt.Sprintf("%s of the store %s as before: %s", count(len(p.Others), "other key"), verb(len(p.Others), "stays", "stay"),
			enumerate(p.Others)))
	}
	return strings.Join(parts, "; ")
}

// describeBlocked says which keys the apply will keep, though it is to delete them; empty where there are none. Blocked and
// by are what [rotation.Shops.Blocked] returns, and ways are the ways on where there is no shop that can be asked.
func describeBlocked(blocked []rotation.KeyRef, by []string, ways string) string {
	if len(blocked) == 0 {
		return ""
	}
	var names []string
	for _, key := range blocked {
		names = append(names, keyName(key))
	}
	kept := fmt.Sprintf("The apply will not delete %s", enumerate(names))
	if len(by) == 0 {
		return fmt.Sprintf("%s: the provider has no shop to ask whether it uses the %s. %s", kept, verb(len(blocked), "key", "keys"), ways)
	}
	shops := verb(len(by), "shop", "shops")
	return fmt.Sprintf("%s as long as %s %s can't be read, which may use %s, unless another resource says that the shop is of another store. Where unused_for is set, a key that was not used for that long goes "+
		"all the same. terraform-provider-kustom check says what is wrong with the %s. If it is gone, add it to the provider's ignored_shops.",
		kept, shops, enumerate(by), verb(len(blocked), "it", "them"), shops)
}

// tellOfKept tells a person of keys that were to be deleted and could not be: once of all that stay because the same
// shops can't be read, which may be hundreds. In an update, a failure is an error where nothing in this run tries again:
// Terraform keeps the new state then, and replaces nothing. After an error in a creation, it would replace the shop's new
// key.
func tellOfKept(diags *diag.Diagnostics, kept []rotation.PendingKey, updates bool) {
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

// describeGroup returns what a person is told of keys that stay for one reason.
func describeGroup(group []rotation.PendingKey, updates bool) message {
	first, more := group[0], []string(nil)
	for _, key := range group[1:] {
		more = append(more, cmp.Or(key.Key.Username, key.Key.CredentialID))
	}
	m := describeKept(first.Shop, first.KeptKey)
	if len(more) > 0 {
		m.details = paragraphs(m.details, fmt.Sprintf("The same is so of %s: %s.", count(len(more), "more key"), enumerate(more)))
	}
	if updates && first.IsFailure() {
		return m.asError()
	}
	return m
}

// describeKept returns what a person is told of a key that was to be deleted and could not be.
func describeKept(shop string, kept rotation.KeptKey) message {
	name := keyName(rotation.KeyRef{Username: kept.Key.Username, CredentialID: kept.Key.CredentialID})
	if shops := inUseBy(kept.Err); len(shops) > 0 {
		return replacedKeyStillInUse(name, shop, strings.Join(shops, ", "))
	}
	again := "The next apply tries again."
	if kept.IsRetryable() {
		again = "The next apply tries again, and so does the rest of this run, if there is any."
	}
	return replacedKeyNotDeleted(shop, name, again, paragraphs(advise(kept.Err).detail(), original(kept.Err)))
}
