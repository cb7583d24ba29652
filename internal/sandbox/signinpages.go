package sandbox

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// signInPagesMount is the site where portal users sign in. It has another origin than the portal. The portal
// redirects there and back.
func signInPagesMount() *mount {
	open := page{open: true}
	return &mount{
		api:         PortalPages,
		prefix:      signInPagesPrefix,
		identify:    func(*Sandbox, *call) {},
		admit:       admitPage,
		refuse:      refusePage,
		pages:       true,
		sessionless: true,
		routes: []*route{
			{method: http.MethodGet, template: "/", handle: (*Sandbox).signInChoice, page: open},
			{method: http.MethodPost, template: "/", handle: (*Sandbox).askForEmail, page: open},
			{method: http.MethodPost, template: "/email", handle: (*Sandbox).mailLink, page: page{open: true, again: (*Sandbox).askForEmail}},
			{method: http.MethodGet, template: "/broker", handle: (*Sandbox).brokerRefuses, page: open},
			{method: http.MethodGet, template: "/link/{token}", handle: (*Sandbox).openMailedLink, page: open},
			{method: http.MethodGet, template: "/mailbox", handle: (*Sandbox).mailbox, page: open},
		},
	}
}

type (
	signInData struct {
		// Email says that the page shows the field for the address.
		Email  bool
		Target string
	}
	mailData struct {
		To   string
		Sent time.Time
		Href string
	}
)

// portalSignIn returns the address where a visitor of a portal page signs in.
func portalSignIn(c *call) string {
	target := "/"
	if c.http.Method == http.MethodGet && c.params["token"] == "" && c.path != "/sign-in" {
		target = c.path
	}
	return otherOrigin(c.http.Host) + signInPagesPrefix + "/?target=" + url.QueryEscape(target)
}

func (s *Sandbox) leadToSignIn(c *call) *answer { return c.redirectTo(portalSignIn(c)) }

func (s *Sandbox) signInChoice(c *call) *answer {
	return s.signInStep(c, signInData{Target: c.http.URL.Query().Get("target")}, http.StatusOK, "")
}

func (s *Sandbox) askForEmail(c *call) *answer {
	return s.signInStep(c, signInData{Email: true, Target: c.form().Get("target")}, http.StatusOK, "")
}

func (s *Sandbox) signInStep(c *call, data signInData, status int, alert string) *answer {
	v := s.plain(c, "portal-sign-in", "Log in to Kustom Portal")
	v.Data = data
	if alert != "" {
		v.Alert = v.say(alert)
	}
	return c.show(status, v)
}

// mailLink gives everybody the same answer, so that it does not reveal who has an account.
func (s *Sandbox) mailLink(c *call) *answer {
	if u := s.state.userByEmail(strings.TrimSpace(c.form().Get("email"))); u != nil {
		s.newLink(signInLink{to: u.Email, mailed: true, user: u, target: portalPath(c.form().Get("target"))})
	}
	return c.show(http.StatusOK, s.plain(c, "portal-mailed", "Check your email"))
}

// portalPath returns target if it is a path of the portal, or else the start page.
func portalPath(target string) string {
	if !strings.HasPrefix(target, "/") || strings.HasPrefix(target, "//") || strings.Contains(target, `\`) {
		return "/"
	}
	return target
}

// brokerRefuses is the answer of Google and Microsoft, which know nobody here.
func (s *Sandbox) brokerRefuses(c *call) *answer {
	v := s.plain(c, "error", "Access denied when authenticating")
	v.Again = c.mount.prefix + "/"
	return c.show(http.StatusOK, v)
}

// openMailedLink invalidates the mailed link, and redirects to the portal with a link for the same browser.
func (s *Sandbox) openMailedLink(c *call) *answer {
	l := s.useLink(c)
	if l == nil {
		v := s.plain(c, "error", "Action Expired")
		v.Again = c.mount.prefix + "/"
		return c.show(http.StatusForbidden, v)
	}
	next := s.newLink(signInLink{to: l.to, user: l.user, target: l.target})
	return c.redirectTo(otherOrigin(c.http.Host) + portalPagesPrefix + "/callback/" + next.token)
}

// mailbox shows the users' mail, newest first.
func (s *Sandbox) mailbox(c *call) *answer {
	var mails []mailData
	for _, l := range s.links {
		if l.mailed {
			mails = append(mails, mailData{l.to, l.sent, signInPagesPrefix + "/link/" + l.token})
		}
	}
	slices.Reverse(mails)
	v := s.plain(c, "portal-mailbox", "Mailbox")
	v.Data = mails
	return c.show(http.StatusOK, v)
}
