package sandbox

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// EndpointStatus is the endpoint switch status of a store.
type EndpointStatus struct {
	MerchantID     string          `json:"merchant_id"`
	ActionRequired bool            `json:"action_required"`
	Services       []ServiceStatus `json:"services"`
}

// ServiceStatus is the endpoint switch status of one service.
type ServiceStatus struct {
	Service    string     `json:"service"`
	Host       string     `json:"host"`
	LastUsedAt *time.Time `json:"last_used_at"`
	// ActionRequired says what to do; nil for nothing.
	ActionRequired *string `json:"action_required"`
}

// EndpointStatus returns the store's endpoint switch status, as the portal shows it.
func (s *Sandbox) EndpointStatus(merchantID string) (EndpointStatus, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.state.storeByID[merchantID]
	if st == nil {
		return EndpointStatus{}, fmt.Errorf("there is no store %s", merchantID)
	}
	return s.endpointStatus(st), nil
}

// hostOf returns the API host of a key. If its seed has none, it is that of the environment.
func (s *Sandbox) hostOf(k *key) string { return cmp.Or(k.Host, s.state.hosts.kustom) }

func (s *Sandbox) endpointStatus(st *store) EndpointStatus {
	status := EndpointStatus{MerchantID: st.MerchantID, Services: []ServiceStatus{}}
	for _, v := range st.Services {
		service := ServiceStatus{Service: v.Service, Host: v.Host, LastUsedAt: v.LastUsedAt}
		if v.Host == s.state.hosts.legacy {
			action := "Switch endpoint to " + s.state.hosts.kustom
			service.ActionRequired = &action
			status.ActionRequired = true
		}
		status.Services = append(status.Services, service)
	}
	return status
}

// PlaceOrder places a customer's order in the shop. The shop calls the API host of its key, for every service that
// the store uses. It fails if the shop takes no payments.
func (s *Sandbox) PlaceOrder(shop string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	sh, err := s.shop(shop)
	if err != nil {
		return err
	}
	k, err := s.paymentKey(sh)
	if err != nil {
		return fmt.Errorf("shop %s takes no payments: %w", shop, err)
	}
	s.traffic(k, serviceCheckout)
	s.traffic(k, serviceOrderManagement)
	for _, v := range s.state.storeByID[k.MerchantID].Services {
		s.traffic(k, v.Service)
	}
	return nil
}

// traffic records a call with the key.
func (s *Sandbox) traffic(k *key, service string) {
	now := s.now().Truncate(time.Second)
	k.LastUsedAt = &now
	st := s.state.storeByID[k.MerchantID]
	used := Service{Service: service, Host: s.hostOf(k), LastUsedAt: &now}
	i := slices.IndexFunc(st.Services, func(v Service) bool { return v.Service == service })
	if i < 0 {
		st.Services = append(st.Services, used)
		return
	}
	st.Services[i] = used
}
