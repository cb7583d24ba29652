package sandbox

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

// The report, in JSON. It holds no secret.
type (
	report struct {
		Environment string         `json:"environment"`
		Stores      []storeReport  `json:"stores"`
		Shops       []shopReport   `json:"shops"`
		Violations  []Violation    `json:"violations"`
		Requests    []requestCount `json:"requests"`
	}
	storeReport struct {
		MerchantID     string           `json:"merchant_id"`
		Name           string           `json:"name"`
		Keys           []credentialBody `json:"keys"`
		EndpointStatus EndpointStatus   `json:"endpoint_status"`
	}
	shopReport struct {
		Name       string     `json:"name"`
		MerchantID string     `json:"merchant_id,omitempty"`
		KustomID   string     `json:"kustom_id,omitempty"`
		UpdatedAt  *time.Time `json:"updated_at"`
		Working    bool       `json:"working"`
		WhyNot     string     `json:"why_not,omitempty"`
	}
	requestCount struct {
		API      string `json:"api"`
		Method   string `json:"method"`
		Template string `json:"template"`
		Status   int    `json:"status"`
		Count    int    `json:"count"`
	}
)

// controlHandler serves the report and orders, for people and scripts. The contract does not cover it.
func (s *Sandbox) controlHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /sandbox/report", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, s.report())
	})
	mux.HandleFunc("POST /sandbox/orders/{shop}", func(w http.ResponseWriter, r *http.Request) {
		s.serveOrder(w, r.PathValue("shop"))
	})
	pagesHandler(mux)
	return mux
}

func (s *Sandbox) serveOrder(w http.ResponseWriter, shop string) {
	if _, ok := s.Shop(shop); !ok {
		writeJSON(w, http.StatusNotFound, map[string]string{"error": "there is no such shop"})
		return
	}
	if err := s.PlaceOrder(shop); err != nil {
		writeJSON(w, http.StatusConflict, map[string]string{"error": err.Error()})
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"shop": shop, "order": "paid"})
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(value) // the client may have disconnected
}

func (s *Sandbox) report() report {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := report{
		Environment: s.state.environment,
		Stores:      []storeReport{},
		Shops:       []shopReport{},
		Violations:  append([]Violation{}, s.violations...),
		Requests:    s.requestCounts(),
	}
	for _, st := range s.state.stores {
		r.Stores = append(r.Stores, s.storeReport(st))
	}
	for _, sh := range s.state.shops {
		r.Shops = append(r.Shops, s.shopReport(sh))
	}
	return r
}

func (s *Sandbox) storeReport(st *store) storeReport {
	r := storeReport{
		MerchantID:     st.MerchantID,
		Name:           st.Name,
		Keys:           []credentialBody{},
		EndpointStatus: s.endpointStatus(st),
	}
	for _, k := range st.keys {
		r.Keys = append(r.Keys, s.credential(k))
	}
	return r
}

func (s *Sandbox) shopReport(sh *Shop) shopReport {
	r := shopReport{Name: sh.Name, MerchantID: sh.MerchantID, KustomID: sh.KustomID, UpdatedAt: sh.UpdatedAt}
	_, err := s.paymentKey(sh)
	r.Working = err == nil
	if err != nil {
		r.WhyNot = err.Error()
	}
	return r
}

func (s *Sandbox) requestCounts() []requestCount {
	counts := make(map[requestCount]int)
	for _, r := range s.requests {
		counts[requestCount{API: r.API, Method: r.Method, Template: r.Template, Status: r.Status}]++
	}
	rows := []requestCount{}
	for row, n := range counts {
		row.Count = n
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b requestCount) int {
		return cmp.Or(
			strings.Compare(a.API, b.API),
			strings.Compare(a.Template, b.Template),
			strings.Compare(a.Method, b.Method),
			cmp.Compare(a.Status, b.Status),
		)
	})
	return rows
}
