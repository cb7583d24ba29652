package sandbox

import (
	"net/http"
	"strconv"
	"time"
)

// pageOfKeys is the number of keys on a page of the portal's table.
const pageOfKeys = 10

// portalVersion is shown at the bottom of the side menu. The portal is built every few days.
const portalVersion = "kustom-portal@261124-5a0d3f1"

// portalDocuments are the addresses of the single-page app. Each has the same document.
var portalDocuments = []string{
	"/", "/orders", "/payment-links", "/settlements", "/disputes", "/user-management", "/elements", "/developer-logs",
	"/integrations", "/integrations/api", "/integrations/shipping", "/integrations/sftp-credentials",
	"/developers", "/developers/api", "/developers/shipping", "/developers/webhooks", "/embedded/api",
}

func portalPagesMount() *mount {
	const keys = "/data/stores/{merchant_id}/keys"
	const endpoints = "/data/stores/{merchant_id}/endpoints"
	data, admin := page{data: true}, page{data: true, admin: true}
	action := page{data: true, admin: true, again: (*Sandbox).stay}
	m := &mount{
		api:      PortalPages,
		prefix:   portalPagesPrefix,
		identify: identifySession,
		admit:    admitPage,
		refuse:   refusePage,
		signIn:   portalSignIn,
		pages:    true,
		routes: []*route{
			{method: http.MethodGet, template: "/sign-in", handle: (*Sandbox).leadToSignIn, page: page{open: true}},
			{method: http.MethodGet, template: "/callback/{token}", handle: (*Sandbox).openLink, page: page{open: true}},
			{method: http.MethodGet, template: "/switch-environment", handle: (*Sandbox).switchEnvironment},
			{method: http.MethodGet, template: "/data/session", handle: (*Sandbox).sessionData, page: data},
			{method: http.MethodPost, template: "/data/language", handle: (*Sandbox).chooseLanguage, page: data},
			{method: http.MethodPost, template: strayTemplate, handle: (*Sandbox).takeStray, page: data},
			{method: http.MethodPost, template: "/data/sign-out", handle: (*Sandbox).signOutOfPortal, page: data},
			{method: http.MethodGet, template: "/data/stores", handle: (*Sandbox).storesData, page: admin},
			{method: http.MethodGet, template: "/data/endpoints", handle: (*Sandbox).allEndpointsData, page: admin},
			{method: http.MethodGet, template: keys, handle: (*Sandbox).keysData, page: admin},
			{method: http.MethodPost, template: keys, handle: (*Sandbox).generateOnPage, page: action},
			{method: http.MethodDelete, template: keys + "/{key_id}", handle: (*Sandbox).deleteOnPage, page: action},
			{method: http.MethodGet, template: keys + "/{key_id}/password", handle: (*Sandbox).passwordData, page: admin},
			{method: http.MethodGet, template: endpoints, handle: (*Sandbox).endpointsData, page: admin},
			{method: http.MethodPost, template: endpoints + "/dismissal", handle: (*Sandbox).dismissWarning, page: action},
		},
	}
	for _, template := range portalDocuments {
		m.routes = append(m.routes, &route{method: http.MethodGet, template: template, handle: (*Sandbox).portalDocument})
	}
	return m
}

// The answers to the portal's script.
type (
	portalBoot struct {
		bootData
		Version    string `json:"version"`
		Playground bool   `json:"playground"`
		Developers bool   `json:"developers"`
		Consent    bool   `json:"consent"`
	}
	sessionBody struct {
		Name  string `json:"name"`
		Admin bool   `json:"admin"`
	}
	keyBody struct {
		MerchantID string     `json:"merchant_id"`
		KeyID      string     `json:"key_id"`
		CreatedAt  time.Time  `json:"created_at"`
		LastUsedAt *time.Time `json:"last_used_at"`
		ExpiresAt  *time.Time `json:"expires_at"`
	}
	keysBody struct {
		Total int       `json:"total"`
		Page  int       `json:"page"`
		Pages int       `json:"pages"`
		Keys  []keyBody `json:"keys"`
	}
	newKeyBody struct {
		KeyID    string `json:"key_id"`
		Password string `json:"password,omitempty"`
	}
	serviceBody struct {
		Service    string     `json:"service"`
		Host       string     `json:"host"`
		LastUsedAt *time.Time `json:"last_used_at"`
		// Action is the host to switch to; empty for none.
		Action string `json:"action,omitempty"`
	}
	endpointsBody struct {
		ActionRequired bool          `json:"action_required"`
		Services       []serviceBody `json:"services"`
	}
)

func (s *Sandbox) portalDocument(c *call) *answer {
	return s.shell(c, "Kustom Portal", "portal.js", portalBoot{
		bootData: s.boot(c, c.mount.prefix+"/sign-in"), Version: portalVersion,
		Playground: s.state.hosts == playgroundHosts, Developers: s.options.Pages.Developers,
		Consent: s.options.Pages.ConsentGiven,
	})
}

func (s *Sandbox) sessionData(c *call) *answer {
	return c.sendData(http.StatusOK, sessionBody{Name: c.user.Email, Admin: c.user.Role != RoleStaff})
}

func (s *Sandbox) chooseLanguage(c *call) *answer {
	var body struct {
		Lang string `json:"lang"`
	}
	if !c.read(&body) {
		return c.refuseScript(http.StatusBadRequest, somethingWrong)
	}
	a := c.done()
	a.setCookie(langCookie, body.Lang, portalPagesPrefix)
	return a
}

func (s *Sandbox) signOutOfPortal(c *call) *answer {
	s.endSession(c)
	return c.done()
}

// switchEnvironment is the target of the pill Switch to production. No automation may go there.
func (s *Sandbox) switchEnvironment(c *call) *answer {
	s.violate(ViolationLeftEnvironment, "%s went to the other environment", c.user.Email)
	return s.refused(c, http.StatusOK, "There is no other environment here.")
}

func (s *Sandbox) storesData(c *call) *answer {
	stores := []storeBody{}
	for _, st := range s.state.stores {
		if c.user.canSee(st.MerchantID) {
			stores = append(stores, storeBody{st.MerchantID, st.Name, st.Website})
		}
	}
	return c.sendData(http.StatusOK, map[string]any{"stores": stores})
}

func (s *Sandbox) keysData(c *call) *answer {
	st := s.visibleStore(c)
	if st == nil {
		return s.missing(c)
	}
	body := keysBody{Total: len(st.keys), Pages: (len(st.keys) + pageOfKeys - 1) / pageOfKeys, Keys: []keyBody{}}
	body.Page, _ = strconv.Atoi(c.http.URL.Query().Get("page"))
	body.Page = max(1, min(body.Page, body.Pages))
	first, last := (body.Page-1)*pageOfKeys, min(body.Page*pageOfKeys, len(st.keys))
	if c.http.URL.Query().Get("all") != "" {
		first, last = 0, len(st.keys)
	}
	for _, k := range st.keys[first:last] {
		body.Keys = append(body.Keys, keyBody{MerchantID: st.MerchantID, KeyID: k.Username, CreatedAt: k.CreatedAt, LastUsedAt: k.LastUsedAt, ExpiresAt: k.ExpiresAt})
	}
	return c.sendData(http.StatusOK, body)
}

// generateOnPage makes a key immediately. The portal shows no form before.
func (s *Sandbox) generateOnPage(c *call) *answer {
	st := s.visibleStore(c)
	if st == nil {
		return s.missing(c)
	}
	if s.full(st) {
		return c.refuseScript(http.StatusConflict, "The store has reached the maximum number of API keys.")
	}
	k := s.makeKey(st, nil, c.user.Email)
	k.popup = c.session
	return s.showPassword(c, k)
}

func (s *Sandbox) passwordData(c *call) *answer {
	k := s.pageKey(c)
	if k == nil || k.popup == nil || k.popup != c.session {
		return s.missing(c)
	}
	if k.reads++; k.reads >= s.options.Pending {
		k.Status = StatusActive
	}
	return s.showPassword(c, k)
}

// showPassword is the only answer with the password. A pending key has none yet.
func (s *Sandbox) showPassword(c *call, k *key) *answer {
	if k.Status == StatusPending {
		return c.sendData(http.StatusAccepted, newKeyBody{KeyID: k.Username})
	}
	k.popup = nil
	return c.sendData(http.StatusCreated, newKeyBody{KeyID: k.Username, Password: k.Secret})
}

func (s *Sandbox) deleteOnPage(c *call) *answer {
	k := s.pageKey(c)
	if k == nil {
		return s.missing(c)
	}
	s.revoke(k)
	return c.done()
}

// pageKey returns the key in the path, by its username, which the page calls Key ID; nil if there is none.
func (s *Sandbox) pageKey(c *call) *key {
	st := s.visibleStore(c)
	if st == nil {
		return nil
	}
	k := s.state.keyByUsername[c.params["key_id"]]
	if k == nil || k.MerchantID != st.MerchantID {
		return nil
	}
	return k
}

// dismissal is a user's dismissal of the warning of a store.
type dismissal struct{ email, merchantID string }

func (s *Sandbox) endpointsData(c *call) *answer {
	st := s.visibleStore(c)
	if st == nil {
		return s.missing(c)
	}
	body := endpointsBody{Services: []serviceBody{}}
	if s.warns(c.user, st) {
		body.ActionRequired = true
		body.Services = s.serviceBodies(st)
	}
	return c.sendData(http.StatusOK, body)
}

// warns reports whether the user sees the section Action required of the store.
func (s *Sandbox) warns(u *User, st *store) bool {
	return s.endpointStatus(st).ActionRequired && !s.dismissed[dismissal{u.Email, st.MerchantID}]
}

// serviceNames has the portal's names of services. Others are shown by their own names.
var serviceNames = map[string]string{
	serviceCheckout:        "Checkout",
	serviceOrderManagement: "Order management",
	"settlement":           "Settlement",
	"hosted_payment_page":  "Hosted payment page",
	"payments":             "Payments API",
	"customer_tokens":      "Customer tokens API",
}

func (s *Sandbox) serviceBodies(st *store) []serviceBody {
	bodies := []serviceBody{}
	for _, v := range s.endpointStatus(st).Services {
		b := serviceBody{Service: v.Service, Host: v.Host, LastUsedAt: v.LastUsedAt}
		if name, ok := serviceNames[v.Service]; ok {
			b.Service = name
		}
		if v.ActionRequired != nil {
			b.Action = s.state.hosts.kustom
		}
		bodies = append(bodies, b)
	}
	return bodies
}

// allEndpointsData is the data of the home page's banner.
func (s *Sandbox) allEndpointsData(c *call) *answer {
	body := endpointsBody{Services: []serviceBody{}}
	for _, st := range s.state.stores {
		if c.user.canSee(st.MerchantID) && s.warns(c.user, st) {
			body.ActionRequired = true
		}
	}
	return c.sendData(http.StatusOK, body)
}

func (s *Sandbox) dismissWarning(c *call) *answer {
	st := s.visibleStore(c)
	if st == nil {
		return s.missing(c)
	}
	s.dismissed[dismissal{c.user.Email, st.MerchantID}] = true
	return c.done()
}
