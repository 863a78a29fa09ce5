/* base/system_error.c - names and texts of errors, also of those that libuv does not know. */
#include "base/base.h"

#include <uv.h>

typedef struct named_error {
  int number;
  const char *name;
} named_error;

#define E(name) \
  { name, #name }

/* Errors for which libuv has no name, or had none in earlier versions. */
static const named_error other_errors[] = {
    E(EBADMSG),     E(ECHILD),          E(EDEADLK),      E(EDOM),     E(EDQUOT),    E(EIDRM),
    E(EILSEQ),      E(EINPROGRESS),     E(EMULTIHOP),    E(ENOEXEC),  E(ENOLCK),    E(ENOLINK),
    E(ENOMSG),      E(ENOTRECOVERABLE), E(EOWNERDEAD),   E(ESTALE),   E(ENETRESET), E(EOVERFLOW),
#ifdef __linux__
    E(EADV),        E(EBADE),           E(EBADFD),       E(EBADR),    E(EBADRQC),   E(EBADSLT),
    E(EBFONT),      E(ECHRNG),          E(ECOMM),        E(EDOTDOT),  E(EHWPOISON), E(EISNAM),
    E(EKEYEXPIRED), E(EKEYREJECTED),    E(EKEYREVOKED),  E(EL2HLT),   E(EL2NSYNC),  E(EL3HLT),
    E(EL3RST),      E(ELIBACC),         E(ELIBBAD),      E(ELIBEXEC), E(ELIBMAX),   E(ELIBSCN),
    E(ELNRNG),      E(EMEDIUMTYPE),     E(ENAVAIL),      E(ENOANO),   E(ENOCSI),    E(ENODATA),
    E(ENOKEY),      E(ENOMEDIUM),       E(ENOPKG),       E(ENOSR),    E(ENOSTR),    E(ENOTBLK),
    E(ENOTNAM),     E(ENOTUNIQ),        E(EPFNOSUPPORT), E(EREMCHG),  E(EREMOTE),   E(ERESTART),
    E(ERFKILL),     E(ESOCKTNOSUPPORT), E(ESRMNT),       E(ESTRPIPE), E(ETIME),     E(ETOOMANYREFS),
    E(EUCLEAN),     E(EUNATCH),         E(EUSERS),       E(EXFULL),
#endif
};

#undef E

/* (uv_err_name would allocate a text for an error that it does not know.) */
static const char *name_in_libuv(int err) {
  switch (err) {
#define CASE(name, text) \
  case UV_##name: return #name;
    UV_ERRNO_MAP(CASE)
#undef CASE
    default: return NULL;
  }
}

const char *rt_system_error_name(int err) {
  const char *name = name_in_libuv(err);
  for (size_t i = 0; name == NULL && i < rt_countof(other_errors); i++)
    if (other_errors[i].number == -err) name = other_errors[i].name;
  return name ? name : "UNKNOWN";
}

const char *rt_system_error_text(int err) {
  return name_in_libuv(err) ? uv_strerror(err) : strerror(-err);
}
