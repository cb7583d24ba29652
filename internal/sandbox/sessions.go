package sandbox

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // RFC 6238 as authenticator apps do it
	"crypto/subtle"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	portalCookie  = "portal_session"
	mystoreCookie = "mystore_session"
)

const (
	// linkLife is how long a link in the mailbox can be used.
	linkLife = 15 * time.Minute
	// codePeriod is how long a one-time code is the one to enter.
	codePeriod = 30 * time.Second
)

// session is a browser's. Until somebody has signed in, it only ties forms to the browser.
type session struct {
	id   string
	csrf string
	// Who is signed in: at most one of these, by vendor.
	user *User
	shop *Shop
	// email is the shop user's.
	email string
	// waiting is who has given the right password, and owes a code for waitingShop.
	waiting     *ShopUser
	waitingShop *Shop
}

func (ss *session) signedIn() bool { return ss != nil && (ss.user != nil || ss.shop != nil) }

// signInLink signs in whoever opens it, once.
type signInLink struct {
	token string
	sent  time.Time
	to    string
	// mailed says that it lies in the mailbox.
	mailed bool
	user   *User
	shop   *Shop
	target string // the page that it leads to
}

func cookieName(api string) string {
	if api == MystorePages {
		return mystoreCookie
	}
	return portalCookie
}

func identifySession(s *Sandbox, c *call) {
	cookie, err := c.http.Cookie(cookieName(c.mount.api))
	if err != nil {
		return
	}
	c.token = cookie.Value
	ss := s.sessions[cookie.Value]
	if ss == nil || (c.mount.api == PortalPages && ss.shop != nil) || (c.mount.api == MystorePages && ss.user != nil) {
		return
	}
	c.session, c.user, c.tokenShop = ss, ss.user, ss.shop
}

func (s *Sandbox) newSession(ss session) *session {
	ss.id, ss.csrf = randomText(32), randomText(32)
	s.sessions[ss.id] = &ss
	s.state.secrets = append(s.state.secrets, ss.id)
	return &ss
}

func (s *Sandbox) endSession(c *call) {
	if c.session != nil {
		delete(s.sessions, c.session.id)
	}
	c.session, c.user, c.tokenShop = nil, nil, nil
}

// beginSession gives the browser a session in place of the one that it had, so that nobody else can know it.
func (s *Sandbox) beginSession(c *call, ss session, a *answer) *answer {
	s.endSession(c)
	c.session = s.newSession(ss)
	a.setCookie(cookieName(c.mount.api), c.session.id, c.mount)
	return a
}

// EndSessions signs everybody out, as happens when a session has lasted its time.
func (s *Sandbox) EndSessions() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.sessions)
}

func (s *Sandbox) newLink(l signInLink) *signInLink {
	l.token, l.sent = randomText(32), s.now()
	s.links = append(s.links, &l)
	s.state.secrets = append(s.state.secrets, l.token)
	return &l
}

// useLink is the link of that token, which is used up with it, or nil.
func (s *Sandbox) useLink(c *call) *signInLink {
	i := slices.IndexFunc(s.links, func(l *signInLink) bool {
		return l.token == c.params["token"] && (l.user == nil) == (c.mount.api == MystorePages)
	})
	if i < 0 {
		return nil
	}
	l := s.links[i]
	s.links = slices.Delete(s.links, i, i+1)
	if l.mailed && s.now().Sub(l.sent) > linkLife {
		return nil
	}
	return l
}

// openLink is the page that a link of either vendor leads to.
func (s *Sandbox) openLink(c *call) *answer {
	l := s.useLink(c)
	if l == nil {
		return s.signInPage(c, http.StatusForbidden, "The link has been used, or is too old.")
	}
	ss := session{user: l.user, shop: l.shop}
	if l.shop != nil {
		ss.email = l.to
	}
	return s.beginSession(c, ss, c.redirect(l.target))
}

// signInPage is the vendor's page to sign in. The alert is a word, or empty.
func (s *Sandbox) signInPage(c *call, status int, alert string) *answer {
	fresh := c.session == nil
	if fresh {
		c.session = s.newSession(session{})
	}
	name := "portal-sign-in"
	if c.mount.api == MystorePages {
		name = "mystore-sign-in"
	}
	v := c.newView(name, "Sign in")
	if alert != "" {
		v.Alert = v.say(alert)
	}
	a := c.show(status, v)
	if fresh {
		a.setCookie(cookieName(c.mount.api), c.session.id, c.mount)
	}
	return a
}

func (s *Sandbox) getSignIn(c *call) *answer { return s.signInPage(c, http.StatusOK, "") }

func (s *Sandbox) signOut(c *call) *answer {
	s.endSession(c)
	return c.redirect("/sign-in")
}

// PortalLink is the path of a link that signs in the portal user of that e-mail address, once, and
// leads to a page, such as "/" or "/stores/M00412871/integrations".
func (s *Sandbox) PortalLink(email, target string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.state.userByEmail(email)
	if u == nil {
		return "", errNoSuchUser
	}
	l := s.newLink(signInLink{to: u.Email, user: u, target: target})
	return portalPagesPrefix + "/sign-in/" + l.token, nil
}

// MystoreLink is the path of a link that signs in the first user of a shop, once, and leads to a page,
// such as "/fjellsport/extensions". Mystore has no such links; this one is for pictures and for people
// who try the sandbox.
func (s *Sandbox) MystoreLink(shop, target string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sh, err := s.shop(shop)
	if err != nil {
		return "", err
	}
	l := s.newLink(signInLink{to: sh.Users[0].Email, shop: sh, target: target})
	return mystorePagesPrefix + "/sign-in/" + l.token, nil
}

// Tour says, a line each, where people find the pages that are served at url, and how they sign in.
// Every call makes new links.
func (s *Sandbox) Tour(url string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var lines []string
	if u := s.state.firstAdmin(); u != nil {
		l := s.newLink(signInLink{to: u.Email, user: u, target: "/"})
		base := url + portalPagesPrefix
		lines = append(lines,
			"Kustom Portal: "+base+"/sign-in as "+u.Email+"; the link that is sent is in "+base+"/mailbox",
			"  or signed in, once: "+base+"/sign-in/"+l.token)
	}
	if len(s.state.shops) > 0 {
		sh := s.state.shops[0]
		l := s.newLink(signInLink{to: sh.Users[0].Email, shop: sh, target: "/"})
		base := url + mystorePagesPrefix
		lines = append(lines,
			"Mystore: "+base+"/sign-in to "+sh.Name+" as "+sh.Users[0].Email+", password "+sh.Users[0].Password,
			"  or signed in, once: "+base+"/sign-in/"+l.token)
	}
	return lines
}

// userByEmail is the user who can sign in with that address, or nil.
func (st *state) userByEmail(email string) *User {
	i := slices.IndexFunc(st.users, func(u *User) bool { return strings.EqualFold(u.Email, email) && !u.Expired })
	if i < 0 {
		return nil
	}
	return st.users[i]
}

// firstAdmin is the first user who can see Integrations, or nil.
func (st *state) firstAdmin() *User {
	i := slices.IndexFunc(st.users, func(u *User) bool { return u.Role != RoleStaff && !u.Expired })
	if i < 0 {
		return nil
	}
	return st.users[i]
}

// PagesEnv is the environment that makes the provider use this server's pages; see
// [Sandbox.PagesEnv].
func (srv *Server) PagesEnv() map[string]string { return srv.sandbox.PagesEnv(srv.URL()) }

// PagesEnv is the environment that makes the provider use the pages of this sandbox where it is served
// at url, which has no slash at its end: its addresses, and new sessions of the first user who can see
// Integrations and of the first user of every shop. There are no tokens in it.
func (s *Sandbox) PagesEnv(url string) map[string]string {
	portal, shops := s.signInAll(url)
	// A map of strings always encodes.
	sessions, _ := json.Marshal(shops)
	return map[string]string{
		"KUSTOM_ENVIRONMENT":      s.state.environment,
		"KUSTOM_API_URL":          url + merchantPrefix,
		"KUSTOM_PORTAL_PAGES_URL": url + portalPagesPrefix,
		"MYSTORE_PAGES_URL":       url + mystorePagesPrefix,
		"KUSTOM_PORTAL_SESSION":   portal,
		"MYSTORE_SESSIONS":        string(sessions),
	}
}

// signInAll takes the lock by itself.
func (s *Sandbox) signInAll(url string) (portal string, shops map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.state.firstAdmin(); u != nil {
		portal = s.sessionLine(url, PortalPages, portalPagesPrefix, session{user: u})
	}
	shops = make(map[string]string)
	for _, sh := range s.state.shops {
		shops[sh.Name] = s.sessionLine(url, MystorePages, mystorePagesPrefix, session{shop: sh, email: sh.Users[0].Email})
	}
	return portal, shops
}

// The session of a browser, in the form that the provider keeps it in.
type (
	browserSession struct {
		Host    string            `json:"host"`
		Cookies []browserCookie   `json:"cookies"`
		Storage map[string]string `json:"storage"`
	}
	browserCookie struct {
		Name     string `json:"name"`
		Value    string `json:"value"`
		Domain   string `json:"domain"`
		Path     string `json:"path"`
		HTTPOnly bool   `json:"http_only"`
		SameSite string `json:"same_site"`
	}
)

func (s *Sandbox) sessionLine(base, api, path string, ss session) string {
	host := strings.TrimPrefix(base, "http://")
	domain := host
	if u, err := url.Parse(base); err == nil {
		host, domain = u.Host, u.Hostname()
	}
	made := s.newSession(ss)
	// Plain fields always encode.
	data, _ := json.Marshal(browserSession{
		Host:    host,
		Cookies: []browserCookie{{Name: cookieName(api), Value: made.id, Domain: domain, Path: path, HTTPOnly: true, SameSite: "Lax"}},
		Storage: map[string]string{},
	})
	line := base64.RawURLEncoding.EncodeToString(data)
	s.state.secrets = append(s.state.secrets, line)
	return line
}

// codeKey is the key of one-time codes; spaces and small letters are as people copy them.
func codeKey(seed string) ([]byte, error) {
	seed = strings.ToUpper(strings.ReplaceAll(seed, " ", ""))
	return base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.TrimRight(seed, "="))
}

// code is the one-time code of a moment, as RFC 6238 has it.
func code(key []byte, at time.Time) string {
	var counter [8]byte
	binary.BigEndian.PutUint64(counter[:], uint64(at.Unix())/uint64(codePeriod.Seconds())) //nolint:gosec // after 1970
	mac := hmac.New(sha1.New, key)
	mac.Write(counter[:])
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 0x0f
	number := binary.BigEndian.Uint32(sum[offset:]) & 0x7fffffff
	return fmt.Sprintf("%06d", number%1_000_000)
}

// takes reports whether that is the user's code now, or the one before or after it: clocks differ.
func (u *ShopUser) takes(entered string, now time.Time) bool {
	key, err := codeKey(u.CodeSeed)
	if err != nil {
		return false
	}
	for _, at := range []time.Time{now.Add(-codePeriod), now, now.Add(codePeriod)} {
		if equalText(code(key, at), entered) {
			return true
		}
	}
	return false
}

func equalText(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
