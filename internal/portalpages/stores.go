package portalpages

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

// merchantIDIn returns the merchant ID in the text that stands for a store; empty when there is none.
func merchantIDIn(text string) string { return string(kustom.FindMerchantID(text)) }

// merchantIDs returns the IDs of the stores that the user can see.
func (p *Portal) merchantIDs(ctx context.Context) (ids []string, err error) {
	err = p.look(ctx, func(v *visit) error {
		selector, err := v.enter(ctx)
		if err != nil {
			return err
		}
		ids = nil
		for _, option := range selector.All("option") {
			id := merchantIDIn(option.Name)
			if id == "" {
				return &unreadableError{v.page, fmt.Sprintf("the store %q is shown without its merchant ID", option.Name)}
			}
			ids = append(ids, id)
		}
		return nil
	})
	return ids, err
}

// Stores yields the stores that the user can see. It ends with the first error.
func (p *Portal) Stores(ctx context.Context) iter.Seq2[kustom.Store, error] {
	return func(yield func(kustom.Store, error) bool) {
		ids, err := p.merchantIDs(ctx)
		if err != nil {
			yield(kustom.Store{}, fmt.Errorf("listing stores: %w", err))
			return
		}
		for _, id := range ids {
			store, err := p.store(ctx, id)
			if !yield(store, err) || err != nil {
				return
			}
		}
	}
}

// store reads the home page of a store.
func (p *Portal) store(ctx context.Context, merchantID string) (store kustom.Store, err error) {
	err = p.look(ctx, func(v *visit) error {
		page, err := v.home(ctx, merchantID)
		if err != nil {
			return err
		}
		name := strings.TrimSpace(strings.Replace(page.First("region", v.words.Of(labelStoreShown)...).Text(), "("+merchantID+")", "", 1))
		store = kustom.Store{MerchantID: merchantID, Name: name, Website: page.Definition(v.words.Of(labelWebsite)...)}
		return nil
	})
	if err != nil {
		return kustom.Store{}, fmt.Errorf("reading store %s: %w", merchantID, err)
	}
	return store, nil
}

// EndpointStatus returns the endpoint switch status of a store, from the portal's API page.
func (p *Portal) EndpointStatus(ctx context.Context, merchantID string) (status kustom.EndpointStatus, err error) {
	err = p.look(ctx, func(v *visit) error {
		if _, err := v.integrations(ctx, merchantID); err != nil {
			return err
		}
		v.page = "the API page of store " + merchantID
		step := v.reading(v.step("open the API page", v.words.Want("heading", labelAPI), v.shown(merchantID), v.words.Want("table", labelEndpoints)))
		_, found, err := v.Follow(ctx, step, v.words.Want("link", labelAPI))
		if err != nil {
			return err
		}
		status, err = v.services(found[2], merchantID)
		return err
	})
	if err != nil {
		return kustom.EndpointStatus{}, fmt.Errorf("reading the endpoint switch status of store %s: %w", merchantID, err)
	}
	return status, nil
}

// services reads the table of services.
func (v *visit) services(table *browser.Element, merchantID string) (kustom.EndpointStatus, error) {
	status := kustom.EndpointStatus{MerchantID: merchantID, Services: []kustom.ServiceStatus{}}
	for _, row := range table.Rows() {
		service, err := v.service(row)
		if err != nil {
			return kustom.EndpointStatus{}, err
		}
		status.ActionRequired = status.ActionRequired || service.ActionRequired != nil
		status.Services = append(status.Services, service)
	}
	return status, nil
}

func (v *visit) service(row browser.Row) (kustom.ServiceStatus, error) {
	name, host := row.Cell(v.words.Of(labelService)...), row.Cell(v.words.Of(labelHost)...)
	used, action := row.Cell(v.words.Of(labelLastUsed)...), row.Cell(v.words.Of(labelAction)...)
	if name == nil || host == nil || used == nil || action == nil {
		return kustom.ServiceStatus{}, &unreadableError{v.page, "the table of services lacks a column"}
	}
	status := kustom.ServiceStatus{Service: name.Text(), Host: host.Text()}
	for _, service := range services() {
		if v.words.Is(name.Text(), service) {
			status.Service = service
		}
	}
	if moment := used.Time(); moment != "" {
		at, err := time.Parse(time.RFC3339, moment)
		if err != nil {
			return kustom.ServiceStatus{}, &unreadableError{v.page, "the table of services has no time that can be read"}
		}
		status.LastUsedAt = &at
	}
	if text := action.Text(); !v.words.Is(text, labelNone) {
		status.ActionRequired = &text
	}
	return status, nil
}
