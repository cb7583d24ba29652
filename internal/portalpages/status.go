package portalpages

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

// hostPattern matches the hosts that services call.
var hostPattern = regexp.MustCompile(`(?i)^(?:https?://)?[a-z0-9.-]+\.(?:klarna\.com|kustom\.co)/?$`)

// EndpointStatus returns the endpoint switch status of a store, from the portal's API page. The portal shows it
// only while an action is required, and hides it from a user who has dismissed it. So a missing status does not
// prove that the store has switched.
func (p *Portal) EndpointStatus(ctx context.Context, merchantID string) (status kustom.EndpointStatus, err error) {
	err = p.look(ctx, func(v *visit) error {
		if err := v.enter(ctx, merchantID); err != nil {
			return err
		}
		read, err := v.status(ctx, merchantID)
		status = read.EndpointStatus
		return err
	})
	if err != nil {
		return kustom.EndpointStatus{}, fmt.Errorf("read the endpoint switch status of store %s: %w", merchantID, err)
	}
	return status, nil
}

// shownStatus is the status as the page shows it.
type shownStatus struct{ kustom.EndpointStatus }

// Quiet implements [browser.Quieter].
func (s shownStatus) Quiet() time.Duration {
	if len(s.Services) == 0 {
		return browser.SettledEmpty
	}
	return browser.Settled
}

// status reads the section Action required, once it has settled.
func (v *visit) status(ctx context.Context, merchantID string) (shownStatus, error) {
	return browser.Await(ctx, v.Tab, v.Step("read the endpoint switch status"), func(p *browser.Page) (shownStatus, error) {
		// The list of keys is on the same page. If the list is incomplete, so is the rest.
		if _, err := v.read(p, merchantID); err != nil {
			return shownStatus{}, err
		}
		return v.services(p, merchantID)
	})
}

// services reads the section Action required, by its hosts.
func (v *visit) services(p *browser.Page, merchantID string) (shownStatus, error) {
	status := shownStatus{kustom.EndpointStatus{MerchantID: merchantID, Services: []kustom.ServiceStatus{}}}
	service, host := v.Words.Text(labelService), v.Words.Text(labelHost)
	headers := []browser.Target{service, host, v.Words.Text(labelLastUsed), v.Words.Text(labelAction)}
	for _, row := range p.Entries(hostPattern.MatchString, headers, func(*browser.Element) bool { return false }) {
		name, ok := row.Cell(service)
		if !ok {
			// Hosts also occur in the surrounding texts.
			continue
		}
		read, err := v.service(row, name.Text)
		if err != nil {
			return status, err
		}
		status.ActionRequired = status.ActionRequired || read.ActionRequired != nil
		status.Services = append(status.Services, read)
	}
	if len(status.Services) == 0 && p.Has(v.Words.Text(labelAction)) {
		return status, browser.Absent("the section %q has no readable services", v.Words.Of(labelAction)[0])
	}
	return status, nil
}

// service reads the row of a service.
func (v *visit) service(row browser.Entry, name string) (kustom.ServiceStatus, error) {
	read := kustom.ServiceStatus{Service: serviceID(name), Host: hostIn(row.Mark)}
	used, err := v.date(row, labelLastUsed)
	if err != nil {
		return read, err
	}
	read.LastUsedAt = used.time()
	action, ok := row.Cell(v.Words.Text(labelAction))
	if ok && strings.Trim(action.Text, "–—- ") != "" && !v.Words.Is(action.Text, labelNever) {
		read.ActionRequired = &action.Text
	}
	return read, nil
}

// serviceID returns the portal API's name of a service: "order_management" for "Order management". The portal
// may list services that are not known here.
func serviceID(name string) string { return strings.ReplaceAll(strings.ToLower(name), " ", "_") }

func hostIn(text string) string {
	_, host, found := strings.Cut(text, "://")
	if !found {
		host = text
	}
	return strings.ToLower(strings.TrimSuffix(host, "/"))
}
