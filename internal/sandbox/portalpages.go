package sandbox

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// pageOfKeys is how many keys one page lists.
const pageOfKeys = 100

// The sections of a store's pages, as their paths have them.
const (
	sectionHome         = ""
	sectionIntegrations = "/integrations"
	sectionAPI          = "/integrations/api"
)

func portalPagesMount() *mount {
	admin := page{integrations: true}
	form := func(again func(*Sandbox, *call) *answer) page { return page{integrations: true, again: again} }
	const keys = "/stores/{merchant_id}/integrations"
	return &mount{
		api:      PortalPages,
		prefix:   portalPagesPrefix,
		identify: identifySession,
		admit:    admitPage,
		refuse:   refusePage(portalPagesPrefix, "portal", kustomBrand),
		pages:    true,
		routes: []*route{
			{method: http.MethodGet, template: "/", handle: (*Sandbox).portalStart},
			{method: http.MethodGet, template: "/sign-in", handle: (*Sandbox).getSignIn, page: page{open: true}},
			{method: http.MethodPost, template: "/sign-in", handle: (*Sandbox).mailLink, page: page{open: true, again: (*Sandbox).getSignIn}},
			{method: http.MethodGet, template: "/sign-in/{token}", handle: (*Sandbox).openLink, page: page{open: true}},
			{method: http.MethodGet, template: "/mailbox", handle: (*Sandbox).mailbox, page: page{open: true}},
			{method: http.MethodPost, template: "/sign-out", handle: (*Sandbox).signOut},
			{method: http.MethodGet, template: "/stores", handle: (*Sandbox).selectStore},
			{method: http.MethodGet, template: "/stores/{merchant_id}", handle: (*Sandbox).portalHome},
			{method: http.MethodGet, template: keys, handle: (*Sandbox).keysPage, page: admin},
			{method: http.MethodGet, template: keys + "/api", handle: (*Sandbox).endpointsPage, page: admin},
			{method: http.MethodGet, template: keys + "/generate", handle: (*Sandbox).generateDialog, page: admin},
			{method: http.MethodPost, template: keys + "/generate", handle: (*Sandbox).generateKey, page: form((*Sandbox).generateDialog)},
			{method: http.MethodGet, template: keys + "/new/{credential_id}", handle: (*Sandbox).newKeyDialog, page: admin},
			{method: http.MethodPost, template: keys + "/new/{credential_id}", handle: (*Sandbox).closeNewKey, page: form((*Sandbox).emptyKeyDialog)},
			{method: http.MethodGet, template: keys + "/keys/{credential_id}/delete", handle: (*Sandbox).deleteDialog, page: admin},
			{method: http.MethodPost, template: keys + "/keys/{credential_id}/delete", handle: (*Sandbox).deleteOnPage, page: form((*Sandbox).deleteDialog)},
		},
	}
}

// What the pages of a store show besides the frame.
type (
	homeData struct {
		MerchantID string
		Website    string
		Status     EndpointStatus
		// Integrations says that the user can see them, and with that the rest.
		Integrations bool
		Keys         int
	}
	keysData struct {
		List string // the path of the list
		Keys []credentialBody
		Next string // the path of the next page; empty on the last
		// Key is the one that the dialog is about.
		Key         credentialBody
		Description string
	}
	mailData struct {
		To   string
		Sent time.Time
		Href string
	}
)

func (s *Sandbox) portalStart(c *call) *answer {
	for _, st := range s.state.stores {
		if c.user.sees(st.MerchantID) {
			return c.redirect("/stores/" + st.MerchantID)
		}
	}
	return c.missing()
}

// mailLink says the same to everybody, so that nobody learns who has an account.
func (s *Sandbox) mailLink(c *call) *answer {
	if u := s.state.userByEmail(strings.TrimSpace(c.form().Get("email"))); u != nil {
		s.newLink(signInLink{to: u.Email, mailed: true, user: u, target: "/"})
	}
	return c.show(http.StatusOK, c.newView("portal-mailed", "Check your email"))
}

func (s *Sandbox) mailbox(c *call) *answer {
	var mails []mailData
	for _, l := range s.links {
		if l.mailed {
			mails = append(mails, mailData{l.to, l.sent, portalPagesPrefix + "/sign-in/" + l.token})
		}
	}
	slices.Reverse(mails)
	v := c.newView("portal-mailbox", "Mailbox")
	v.Data = mails
	return c.show(http.StatusOK, v)
}

// selectStore leads from the form of the store selector to the same section of the store.
func (s *Sandbox) selectStore(c *call) *answer {
	st := s.state.storeByID[c.http.URL.Query().Get("store")]
	section := c.http.URL.Query().Get("section")
	if st == nil || !c.user.sees(st.MerchantID) || !slices.Contains([]string{sectionHome, sectionIntegrations, sectionAPI}, section) {
		return c.missing()
	}
	return c.redirect("/stores/" + st.MerchantID + section)
}

// storeView starts the view of one of a store's pages; nil when there is no such store for the user.
func (s *Sandbox) storeView(c *call, page, title, section string) (*store, *view) {
	st := s.visibleStore(c)
	if st == nil {
		return nil, nil
	}
	v := c.newView(page, title)
	v.User = c.user.Email
	v.Shown = st.label()
	v.hosts = s.state.hosts
	v.Section = section
	base := c.mount.prefix + "/stores/" + st.MerchantID
	v.Nav = []navLink{{v.say("Home"), base, section == sectionHome}}
	if c.user.Role != RoleStaff {
		v.Nav = append(v.Nav, navLink{v.say("Integrations"), base + sectionIntegrations, section != sectionHome})
	}
	if section != sectionHome {
		v.Tabs = []navLink{
			{v.say("API keys"), base + sectionIntegrations, section == sectionIntegrations},
			{v.say("API"), base + sectionAPI, section == sectionAPI},
		}
	}
	for _, o := range s.state.stores {
		if c.user.sees(o.MerchantID) {
			v.Stores = append(v.Stores, storeOption{o.MerchantID, o.label(), o == st})
		}
	}
	return st, v
}

// label is what tells stores of one name apart.
func (s *store) label() string { return s.Name + " (" + s.MerchantID + ")" }

func (s *Sandbox) portalHome(c *call) *answer {
	st, v := s.storeView(c, "portal-home", "Home", sectionHome)
	if st == nil {
		return c.missing()
	}
	v.Data = homeData{
		MerchantID: st.MerchantID, Website: st.Website, Status: s.endpointStatus(st),
		Integrations: c.user.Role != RoleStaff, Keys: len(st.keys),
	}
	return c.show(http.StatusOK, v)
}

func (s *Sandbox) endpointsPage(c *call) *answer {
	st, v := s.storeView(c, "portal-api", "API", sectionAPI)
	if st == nil {
		return c.missing()
	}
	v.Data = s.endpointStatus(st)
	return c.show(http.StatusOK, v)
}

// keysView is the list of keys, and on it a dialog, or none.
func (s *Sandbox) keysView(c *call, dialog string) (*store, *view, *keysData) {
	st, v := s.storeView(c, "portal-integrations", "Integrations", sectionIntegrations)
	if st == nil {
		return nil, nil, nil
	}
	data := &keysData{List: c.mount.prefix + "/stores/" + st.MerchantID + sectionIntegrations}
	v.Dialog, v.Data = dialog, data
	after, _ := strconv.Atoi(c.http.URL.Query().Get("after"))
	last := 0
	for _, k := range st.keys {
		if k.number <= after {
			continue
		}
		if len(data.Keys) == pageOfKeys {
			data.Next = data.List + "?after=" + strconv.Itoa(last)
			break
		}
		data.Keys = append(data.Keys, s.credential(k))
		last = k.number
	}
	return st, v, data
}

func (s *Sandbox) keysPage(c *call) *answer {
	st, v, _ := s.keysView(c, "")
	if st == nil {
		return c.missing()
	}
	if username := c.http.URL.Query().Get("deleted"); username != "" && s.state.keyByUsername[username] == nil {
		v.Status = v.say("API key %s deleted", username)
	}
	return c.show(http.StatusOK, v)
}

func (s *Sandbox) generateDialog(c *call) *answer {
	st, v, data := s.keysView(c, "generate")
	if st == nil {
		return c.missing()
	}
	data.Description = c.form().Get("description")
	return c.show(http.StatusOK, v)
}

// descriptionText is what the contract lets a description be.
var descriptionText = regexp.MustCompile(`^[A-Za-z0-9\-:;., _]{0,100}$`)

func (s *Sandbox) generateKey(c *call) *answer {
	st, v, data := s.keysView(c, "generate")
	if st == nil {
		return c.missing()
	}
	data.Description = c.form().Get("description")
	if !descriptionText.MatchString(data.Description) {
		v.Alert = v.say("A description is up to 100 letters a–z, digits, spaces and - : ; . , _")
		return c.show(http.StatusUnprocessableEntity, v)
	}
	if s.full(st) {
		v.Alert = v.say("The store has %s keys, and can't have more", strconv.Itoa(len(st.keys)))
		return c.show(http.StatusConflict, v)
	}
	var description *string
	if data.Description != "" {
		description = &data.Description
	}
	k := s.makeKey(st, description, c.user.Email)
	k.popup = c.session
	return c.redirect("/stores/" + st.MerchantID + sectionIntegrations + "/new/" + k.CredentialID)
}

// newKeyDialog asks to wait while the key is created, and then shows its secret, once.
func (s *Sandbox) newKeyDialog(c *call) *answer {
	k, _ := s.pathKey(c)
	if k == nil || k.popup != c.session {
		return c.redirect("/stores/" + url.PathEscape(c.params["merchant_id"]) + sectionIntegrations)
	}
	if k.Status == StatusPending && k.reads >= s.options.Pending {
		k.Status = StatusActive
	}
	if k.Status == StatusPending {
		k.reads++
		_, v, _ := s.keysView(c, "wait")
		// For a browser without scripts, which look again earlier.
		return c.show(http.StatusOK, v).with("Refresh", "1")
	}
	k.popup = nil
	_, v, data := s.keysView(c, "secret")
	data.Key = s.credential(k)
	data.Key.Secret = k.Secret
	return c.show(http.StatusOK, v)
}

// emptyKeyDialog is the popup of a new key without its secret.
func (s *Sandbox) emptyKeyDialog(c *call) *answer { return s.keyDialog(c, "secret") }

// closeNewKey is what Done does.
func (s *Sandbox) closeNewKey(c *call) *answer {
	return c.redirect("/stores/" + url.PathEscape(c.params["merchant_id"]) + sectionIntegrations)
}

func (s *Sandbox) deleteDialog(c *call) *answer { return s.keyDialog(c, "delete") }

// keyDialog is a dialog about the key that the path names.
func (s *Sandbox) keyDialog(c *call, dialog string) *answer {
	k, _ := s.pathKey(c)
	if k == nil {
		return c.missing()
	}
	_, v, data := s.keysView(c, dialog)
	data.Key = s.credential(k)
	return c.show(http.StatusOK, v)
}

func (s *Sandbox) deleteOnPage(c *call) *answer {
	k, _ := s.pathKey(c)
	if k == nil {
		return c.missing()
	}
	s.revoke(k)
	return c.redirect("/stores/" + k.MerchantID + sectionIntegrations + "?deleted=" + url.QueryEscape(k.Username))
}
